"""Documents for people, as PDF/A: a template and its facts.

Facts go in as JSON and never become source text, so nothing that somebody typed is read as markup.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst


def typeset(template: Path, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """A document as PDF/A-2b, with the product's own fonts alone.

    Args:
        template: The Typst source.
        data: Its facts.
        at: When it was made, as the file itself says.

    Raises:
        TypeError: The template makes several files.
    """
    pdf = typst.compile(
        template.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["a-2b"],
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(at.timestamp()),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no single document")
    return pdf
