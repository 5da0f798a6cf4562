"""Whatever a user sees says what it is: shapes of arrays, units, fields and mistakes."""

from collections.abc import Callable

import pytest

from documented import Named, public, undescribed, undocumented, unsaid_errors, without_shape, without_units

SEEN = list(public())


@pytest.mark.parametrize("lack", [undocumented, without_shape, without_units, undescribed, unsaid_errors])
def test_docstrings_say_what_has_to_be_known(lack: Callable[[Named], str]) -> None:
    assert len(SEEN) > 500
    wanting = [f"{each.name}: {found}" for each in SEEN if (found := lack(each))]
    assert not wanting, "\n".join(wanting)
