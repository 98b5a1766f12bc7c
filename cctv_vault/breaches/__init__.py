"""Personal-data breaches (personuppgiftsincidenter): their register, which is no incident's."""
