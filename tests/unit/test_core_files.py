"""What files of rows share."""

from __future__ import annotations

import gc

import pytest

from connectors.core.files.uncollected import uncollected


def test_garbage_is_looked_for_again_however_it_ends() -> None:
    assert gc.isenabled()
    with pytest.raises(ValueError, match="x"), uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the outer one has not ended"
        raise ValueError("x")
    assert gc.isenabled()
