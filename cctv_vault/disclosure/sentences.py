"""What can be said of a package that is verified: each finding's code with its sentence. Pure.

Owns the one list that the command line and ``verify.html`` both speak from, so that neither can say
what the other cannot. A sentence follows the name of the file it is about, where there is one.
Names in braces are facts of the finding.
"""

from collections.abc import Mapping
from typing import Final

from cctv_vault.disclosure.legal import Words

SENTENCES: Final[Mapping[str, Words]] = {
    # --- the zip or the folder, and the bag
    "unreadable": Words("filen kan inte läsas", "the file cannot be read"),
    "not-a-package": Words(
        "filen är inte ett helt paket: avkortad, ändrad eller något annat än ett paket",
        "the file is not a whole package: truncated, changed, or something else than a package",
    ),
    "locked": Words(
        "paketet är krypterat och öppnades inte: lösenfrasen är fel eller saknas, eller filen har "
        "ändrats",
        "the package is encrypted and was not opened: the passphrase is wrong or missing, or the "
        "file was changed",
    ),
    "unlocked": Words(
        "paketet var krypterat och öppnades med lösenfrasen",
        "the package was encrypted and was opened with the passphrase",
    ),
    "crc": Words(
        "innehållet är inte det som zip-filen gjordes av (CRC)",
        "its bytes are not those the zip was made of (CRC)",
    ),
    "not-bagit": Words(
        "är inte en deklaration av en BagIt-mapp, version 1.0",
        "is not the declaration of a BagIt 1.0 bag",
    ),
    "oxum": Words(
        "anger ett annat antal filer eller en annan storlek än vad som finns",
        "the number and size of the payload's files differ",
    ),
    "all-files": Words(
        "alla {count} filer finns, oförändrade, och inga andra",
        "all {count} files are there, unchanged, and no others",
    ),
    "manifest-malformed": Words(
        "är inte en lista över kontrollsummor", "is not a list of check sums"
    ),
    "listed-missing": Words(
        "står i {manifest} men finns inte i paketet",
        "is listed in {manifest} but is not in the package",
    ),
    "unlisted": Words(
        "finns i paketet men står inte i {manifest}",
        "is in the package but not listed in {manifest}",
    ),
    "changed": Words(
        "har ändrats: dess SHA-256 är inte den i {manifest}",
        "was changed: its SHA-256 is not the one in {manifest}",
    ),
    "stray": Words(
        "har datorn själv lagt i mappen; filen hör inte till paketet",
        "was put into the folder by a computer's own system; it is no part of the package",
    ),
    "missing": Words("saknas", "is missing"),
    "too-large": Words("är större än en sådan fil kan vara", "is larger than such a file can be"),
    "not-utf8": Words("är inte text i UTF-8", "is not UTF-8"),
    # --- the signature
    "key-malformed": Words("är ingen offentlig nyckel", "is not a public key"),
    "pin-malformed": Words(
        "nyckeln att jämföra med är ingen offentlig nyckel",
        "the pinned key is not a public key",
    ),
    "key-not-pinned": Words(
        "ingen nyckel angavs att jämföra med: jämför denna med den som den personuppgiftsansvarige "
        "har offentliggjort",
        "no key was pinned: compare this one with the key the controller has published",
    ),
    "key-other": Words(
        "paketet anger en annan nyckel än den angivna",
        "the package names another key than the pinned one",
    ),
    "key-pinned": Words("är den angivna nyckeln", "is the pinned key"),
    "note-malformed": Words(
        "är inte undertecknad med paketets nyckel, eller är ingen underskrift av ett paket",
        "is not signed with the package's key, or is no signature of a package",
    ),
    "note-more": Words(
        "har ändrats: där står mer än arkivets egen underskrift",
        "was changed: it holds more than the vault's own signature",
    ),
    "tagmanifest-unsigned": Words(
        "är inte den som undertecknades i manifest.note",
        "is not the one that was signed in manifest.note",
    ),
    "note-other-request": Words(
        "underskriften gäller ett paket i ett annat ärende",
        "the signature is of a package of another request",
    ),
    "note-ok": Words(
        "undertecknad av {name}: omfattar varje fil", "signed by {name}: covers every file"
    ),
    "checkpoint-bad": Words(
        "är ingen kontrollpunkt som loggen själv har undertecknat",
        "is no checkpoint that the log itself has signed",
    ),
    "checkpoint-ok": Words(
        "undertecknad av loggen själv, över {size} poster",
        "signed by the log itself over {size} entries",
    ),
    "simulated": Words(
        "SIMULERAT (SIMULATED): paketet kommer från ett arkiv vars klocka ställs för hand; det är "
        "inget bevis",
        "SIMULATED: the package comes from a vault whose clock is set by hand; it is no evidence",
    ),
    # --- the custody log
    "proof-of-nothing": Words(
        "är bevis för en post som inte finns i paketet", "is a proof of no entry in the package"
    ),
    "no-entries": Words(
        "paketet innehåller inga bevisade loggposter",
        "the package holds no custody entries that are proven",
    ),
    "entries-ok": Words(
        "alla {count} loggposter finns i loggen om {size} poster",
        "all {count} custody entries are in the log of {size} entries",
    ),
    "entry-name": Words("heter inte som en loggpost", "is not named like a custody entry"),
    "entry-malformed": Words(
        "är ingen loggpost i dess enda giltiga form", "is not a custody entry in its one form"
    ),
    "proof-bad": Words(
        "bevisar inte att posten står i loggen", "does not prove that the entry is in the log"
    ),
    "proof-place": Words(
        "bevisar en annan plats i loggen än namnet säger",
        "proves another place in the log than its name says",
    ),
    "proof-other-checkpoint": Words(
        "gäller en annan kontrollpunkt än paketets",
        "is against another checkpoint than the package's",
    ),
    # --- the record
    "record-malformed": Words(
        "är ingen läsbar uppgift om ett paket", "is not a readable record of a package"
    ),
    "record-other-request": Words("gäller ett annat ärende", "is the record of another request"),
    "record-other-log": Words(
        "anger en annan logg än den som undertecknade",
        "names another log than the one that signed",
    ),
    "record-other-kind": Words(
        "stämmer inte med loggen om huruvida arkivet är simulerat",
        "disagrees with the log on whether the vault is a simulated one",
    ),
    "record-other-zip": Words(
        "gjordes vid en annan tid än zip-filen", "was made at another time than the zip"
    ),
    "record-other-time": Words(
        "gjordes vid en annan tid än underskriften säger",
        "was made at another time than the signature says",
    ),
    "record-ok": Words(
        "är uppgifterna om ärende {request}, gjorda {made} UTC",
        "is the record of {request}, made {made} UTC",
    ),
    # --- the footage
    "outside-decision": Words(
        "ligger utanför den tid som beslutet gäller",
        "it lies outside the time that was decided on",
    ),
    "other-hash": Words(
        "dess SHA-256 är inte den i uppgifterna", "its SHA-256 is not the one in the record"
    ),
    "other-size": Words(
        "dess storlek är inte den i uppgifterna", "its size is not the one in the record"
    ),
    "other-camera": Words(
        "uppgifterna lägger den under en annan kamera", "the record places it under another camera"
    ),
    "unsealed": Words(
        "ingen bevisad loggpost berättar att den förseglades",
        "no proven custody entry tells of its sealing",
    ),
    "entry-differs": Words(
        "loggposten om dess försegling har annat: {fields}",
        "the custody entry of its sealing has another {fields}",
    ),
    "original-ok": Words(
        "är bit för bit det som förseglades (post {index})",
        "is bit for bit what was sealed (entry {index})",
    ),
    "original-untold": Words(
        "är ett original som uppgifterna inte nämner",
        "is an original of which the record says nothing",
    ),
    "masked-undeclared": Words(
        "ingen bevisad loggpost berättar att den lades till ärendet som maskerad",
        "no proven custody entry tells that it was added to the request as masked",
    ),
    "masked-source": Words(
        "uppgifterna anger ett annat original än det som förseglades",
        "the record names another original than the one that was sealed",
    ),
    "masked-ok": Words(
        "är den film som lades till ärendet med en förklaring om hur andra maskerats (post "
        "{index}); att bara det skiljer den från originalen kan ingen underskrift visa",
        "is the film that was added to the request with a declaration of how others were masked "
        "(entry {index}); that nothing else sets it apart from the originals no signature can show",
    ),
    "masked-untold": Words(
        "är en maskerad film som uppgifterna inte nämner",
        "is a masked film of which the record says nothing",
    ),
    "clip-undecided": Words(
        "visar en tid som beslutet inte gäller", "shows a time that was not decided on"
    ),
    "clip-more": Words(
        "visar mer än den tid som beslutet gäller", "shows more than the time that was decided on"
    ),
    "clip-ok": Words("visar den tid som beslutet gäller", "shows the time that was decided on"),
    "clip-early": Words(
        "börjar {seconds} s tidigare, med den nyckelbild som de första bilderna behöver",
        "begins {seconds} s early, with the key frame its first pictures need",
    ),
    "clip-without-original": Words(
        "är gjord av en inspelning vars original inte följer med",
        "is made of a recording whose original is not included",
    ),
    "clip-untold": Words(
        "är en film som uppgifterna inte nämner", "is a clip of which the record says nothing"
    ),
    "frame-unchosen": Words(
        "ingen bevisad loggpost berättar att den valdes till ärendet",
        "no proven custody entry tells that it was chosen for the request",
    ),
    "frame-source": Words(
        "uppgifterna anger en annan inspelning än den som förseglades",
        "the record names another recording than the one that was sealed",
    ),
    "frame-elsewhere": Words(
        "visades vid en annan tid än den som valdes", "was shown at another time than was chosen"
    ),
    "frame-ok": Words(
        "är bilden från det ögonblick som valdes (post {index}), ur en inspelning som förseglades "
        "(post {sealed}); den som har inspelningen kan ta fram samma bild och jämföra",
        "is the picture of the moment that was chosen (entry {index}), of a recording that was "
        "sealed (entry {sealed}); whoever has the recording can decode the same one and compare",
    ),
    "frame-untold": Words(
        "är en bild som uppgifterna inte nämner", "is a frame of which the record says nothing"
    ),
    "certificate-unproven": Words(
        "ingen bevisad loggpost berättar om gallringsintyget {certificate}",
        "no proven custody entry tells of the certificate {certificate}",
    ),
    "certificate-ok": Words(
        "det som saknas av tiden hade gallrats: gallringsintyget {certificate} utfärdades (post "
        "{index}) och kan lämnas ut för sig",
        "what is missing of the time had been destroyed: the certificate {certificate} was issued "
        "(entry {index}) and can be had by itself",
    ),
    # --- the decision
    "before-decision": Words(
        "lämnades ut före ett beslut, så som lagen medger på plats, under tvång eller i nödläge; "
        "det granskas i efterhand av en annan person",
        "was handed over before a decision, as the law allows on the spot, under compulsion or in "
        "an emergency; it is reviewed afterwards by another person",
    ),
    "no-approval": Words(
        "ingen bevisad loggpost berättar om ett bifall",
        "no proven custody entry tells of an approval",
    ),
    "approved-other": Words(
        "post {index} beviljade en annan tid än uppgifterna säger",
        "entry {index} approved another time than the record says",
    ),
    "approver-handled": Words(
        "post {index}: den som beslutade hade själv handlagt ärendet",
        "entry {index}: who approved had handled the request",
    ),
    "approved": Words(
        "beviljat av en annan person än den som handlade ärendet (post {index})",
        "approved by a second person who had not handled it (entry {index})",
    ),
    "asserted": Words(
        "vem som gjorde vad är uppgivet, inte styrkt: arkivet var simulerat",
        "who acted was asserted, not proven: the vault was a simulated one",
    ),
    # --- what no package can prove
    "anchored-nobody": Words(
        "loggen {name} är förankrad hos utomstående: ingen",
        "the log {name} is anchored outside by: nobody",
    ),
    "cannot-prove": Words(
        "att en inspelning visar vad som hände, och att inget utelämnades innan den förseglades, "
        "kan ingen underskrift bevisa",
        "that a recording shows what happened, and that nothing was left out before it was sealed, "
        "no signature can prove",
    ),
    "verifier-inside": Words(
        "det som granskar kan inte granska sig självt: den som inte litar på paketet hämtar "
        "verify.html eller programmet från annat håll",
        "what checks cannot check itself: whoever does not trust the package takes verify.html or "
        "the program from elsewhere",
    ),
}

PAGE: Final[Mapping[str, Words]] = {
    "title": Words("Kontrollera ett utlämnat paket", "Verify a released package"),
    "lead": Words(
        "Allt räknas på den här datorn och ingenting skickas någonstans. Sidan behöver inget nät.",
        "Everything is computed on this computer and nothing is sent anywhere. The page needs no "
        "network.",
    ),
    "drop": Words("Släpp paketets fil här", "Drop the package's file here"),
    "choose-zip": Words("Välj paketets fil", "Choose the package's file"),
    "choose-folder": Words("Välj den uppackade mappen", "Choose the unpacked folder"),
    "passphrase": Words("Lösenfras", "Passphrase"),
    "passphrase-hint": Words(
        "Paketet är krypterat. Lösenfrasen har kommit en annan väg: på telefon, i ett brev eller "
        "över disk. Stora och små bokstäver, mellanslag och bindestreck spelar ingen roll.",
        "The package is encrypted. The passphrase came another way: by telephone, in a letter or "
        "over the counter. Capitals, spaces and hyphens make no difference.",
    ),
    "open": Words("Öppna", "Open"),
    "opening": Words("Öppnar …", "Opening …"),
    "back": Words("Välj ett annat paket", "Choose another package"),
    "no-crypto": Words(
        "Den här webbläsaren kan inte öppna krypterade paket från den här adressen. Öppna "
        "verify.html som en fil på datorn, i en aktuell webbläsare.",
        "This browser cannot open encrypted packages at this address. Open verify.html as a file "
        "on the computer, in a current browser.",
    ),
    "save": Words("Spara det som paketet innehåller", "Save what the package holds"),
    "save-text": Words(
        "Det sparade är inte längre krypterat.", "What is saved is no longer encrypted."
    ),
    "save-all": Words("Spara hela paketet (zip)", "Save the whole package (zip)"),
    "save-one": Words("Spara", "Save"),
    "saved": Words("Sparat: {name}", "Saved: {name}"),
    "not-saved": Words("Det gick inte att spara: {name}", "It could not be saved: {name}"),
    "drop-one": Words(
        "Släpp en enda fil. En uppackad mapp väljs med knappen.",
        "Drop a single file. An unpacked folder is chosen with the button.",
    ),
    "more": Words("Jämför med den offentliggjorda nyckeln", "Compare with the published key"),
    "key": Words("Arkivets offentliga nyckel, en rad", "The vault's public key, one line"),
    "key-hint": Words(
        "Hämta den hos den personuppgiftsansvarige, inte ur paketet: då visar den att paketet "
        "kommer därifrån.",
        "Take it from the controller, not from the package: then it shows that the package comes "
        "from there.",
    ),
    "allow": Words("Godta ett övningspaket (SIMULERAT)", "Accept a drill's package (SIMULATED)"),
    "working": Words("Räknar: {done} av {total}", "Computing: {done} of {total}"),
    "stop": Words("Avbryt", "Stop"),
    "stopped": Words("Avbrutet. Ingenting är avgjort.", "Stopped. Nothing is decided."),
    "sound": Words("Inget talar emot paketet", "Nothing speaks against the package"),
    "sound-text": Words(
        "Varje fil är oförändrad, och allt som kan prövas har prövats. Läs också vad ingen kan "
        "veta av paketet självt.",
        "Every file is unchanged, and all that can be tried was tried. Read also what nobody can "
        "know from the package itself.",
    ),
    "drill": Words(
        "Övningspaket: helt, men inget bevis", "A drill's package: whole, but no evidence"
    ),
    "unpinned": Words(
        "Inget talar emot paketet, men nyckeln är inte jämförd",
        "Nothing speaks against the package, but its key was not compared",
    ),
    "unpinned-text": Words(
        "Vem som helst kan göra ett helt paket med en egen nyckel. Jämför nyckeln nedan med den "
        "som den personuppgiftsansvarige har offentliggjort.",
        "Anyone can make a whole package with a key of their own. Compare the key below with the "
        "one the controller has published.",
    ),
    "drill-text": Words(
        "Paketet kommer från ett arkiv vars klocka ställs för hand, för övning och prov.",
        "The package comes from a vault whose clock is set by hand, for drills and tests.",
    ),
    "unsound": Words("Paketet håller inte", "The package does not hold"),
    "unsound-text": Words(
        "Det som inte stämmer står nedan. Fråga den som lämnade ut paketet innan det används.",
        "What does not hold stands below. Ask whoever released the package before it is used.",
    ),
    "bad": Words("Stämmer inte", "Does not hold"),
    "ok": Words("Håller", "Holds"),
    "note": Words("Att veta", "To be known"),
    "says": Words("Vad paketet säger om sig självt", "What the package says of itself"),
    "request": Words("Ärende", "Request"),
    "controller": Words("Personuppgiftsansvarig", "Controller"),
    "made": Words("Gjort", "Made"),
    "approved": Words("Tid som beslutet gäller", "Time that was decided on"),
    "log": Words("Logg", "Log"),
    "named-key": Words("Nyckel", "Key"),
    "by-browser": Words(
        "Underskrifterna (Ed25519) prövades av webbläsaren.",
        "The signatures (Ed25519) were checked by the browser.",
    ),
    "by-page": Words(
        "Webbläsaren kan inte pröva underskrifter (Ed25519); sidan gjorde det själv.",
        "The browser cannot check signatures (Ed25519); the page did so itself.",
    ),
}
"""What ``verify.html`` says beside the findings."""
