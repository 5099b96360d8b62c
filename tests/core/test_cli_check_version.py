"""`--check-version`."""

from __future__ import annotations

import pytest
from redun.cli.version_condition import check_version
from redun.errors import UsageError


@pytest.mark.parametrize("spec", ["1.2.3", "==1.2.3", ">=1.2", ">1.2,<2", "<=1.2.3.0", " >= 1 , < 1.10 "])
def test_a_condition_that_holds_lets_pass(spec):
    check_version(spec, "1.2.3")


@pytest.mark.parametrize("spec", ["1.2", "==1.2.4", ">=1.3", ">1.2,<1.2.3", "<1.2"])
def test_a_condition_that_does_not_hold_says_both_versions(spec):
    with pytest.raises(UsageError, match=r"redun 1\.2\.3"):
        check_version(spec, "1.2.3")


@pytest.mark.parametrize("spec", ["", "~=1.2", ">=1.a", ">=1,"])
def test_a_condition_that_cannot_be_read_says_how_it_should_look(spec):
    with pytest.raises(UsageError, match="should look like"):
        check_version(spec, "1.2.3")
