"""Genes that are only numbered, as of files that SeuratDisk wrote: which column holds their names."""

from __future__ import annotations

import re
from typing import Any

from .._wire.labels import label_text

#: Columns that hold names of genes, by their own names.
_NAMES = re.compile(r"_index|features?|symbols?|(gene|feature)[ _.]?(short[ _.]?)?(names?|symbols?)", re.IGNORECASE)


def numbered_genes(names: Any, columns: Any) -> list[str]:
    """A note where genes are named 0, 1, 2 … and a column looks like their names; else nothing."""
    count = len(names)
    if count == 0 or [str(names[0]), str(names[count - 1])] != ["0", str(count - 1)]:
        return []
    texts = [label_text(column) for column in columns]
    found = sorted((text for text in texts if _NAMES.fullmatch(text)), key=lambda text: text == "_index")
    if not found:
        return []
    return [
        f'Genes are named 0, 1, 2 …; the column "{found[0]}" of var looks like their names. '
        f'Write show_anndata(adata, gene_symbols="{found[0]}").'
    ]
