"""Labels: what a person picks an item by."""

import numpy as np
import pandas as pd

from deeprec.serving.catalogue import Catalogue, Ids


def test_no_two_items_have_the_same_label():
    items = Ids("item", pd.Index([4, 7, 9, 12]))
    catalogue = Catalogue(Ids("user", pd.Index([1])), items, np.array(["Alien", "Heat", "", "Heat"], dtype=object))
    assert catalogue.labels == ["Alien", "Heat · 7", "9", "Heat · 12"]
