"""What is kept of a look at the catalogue, and for how long."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.serve.looks import Looks
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import small_shop


def test_names_of_themes_do_not_keep_a_replaced_model(tmp_path: Path) -> None:
    recommender, records = opened_shop(tmp_path, small_shop(n_users=40))
    looks = Looks(records, PictureFiles(tmp_path, "images"))
    names = looks.theme_names(recommender)
    assert looks.theme_names(recommender) is names
    known = weakref.ref(recommender)
    del recommender
    gc.collect()
    assert known() is None
    records.close()
