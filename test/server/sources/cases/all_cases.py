"""Fill the table: each module below puts its cases in when it is imported."""

import colours  # noqa: F401
import embeddings  # noqa: F401
import foreign_writers  # noqa: F401
import matrices  # noqa: F401
import names  # noqa: F401
import obs_columns  # noqa: F401
import other_arrays  # noqa: F401
import places  # noqa: F401
import texts  # noqa: F401
import workflows  # noqa: F401
