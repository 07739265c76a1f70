"""Questions as tables, and a sentence for each that makes no sense."""

import pandas as pd
import pytest

from deeprec.runtime.files import InputError
from deeprec.serving.questions import answer


def test_each_kind_of_question_is_answered_as_the_object_does(loaded):
    model = loaded["als"]
    pd.testing.assert_frame_equal(
        answer(model, pd.DataFrame({"user_id": [107, 100]}), 3), model.recommend([107, 100], 3)
    )
    pairs = pd.DataFrame({"user_id": [107, 100], "item_id": [4, 7], "ratings": [None, None]})
    pd.testing.assert_frame_equal(answer(model, pairs), model.predict([107, 100], [4, 7]))
    rated = [[{"item_id": 4, "rating": 5}, {"item_id": 7, "rating": 1}], [{"item_id": 1, "rating": 3}]]
    found = answer(model, pd.DataFrame({"ratings": rated}), 2, hide_seen=False)
    for row, ratings in enumerate(rated):
        expected = model.add_user(pd.DataFrame(ratings)).recommend(2, hide_seen=False)
        own = found[found["row"] == row].drop(columns="row").reset_index(drop=True)
        pd.testing.assert_frame_equal(own, expected)


WRONG = [
    ({}, "questions: found 0 rows; expected 1 to 10,000"),
    ({"user_id": [100] * 10_001}, "questions: found 10,001 rows"),
    ({"item_id": [4]}, "questions: found the columns item_id; expected user_id and item_id"),
    ({"film": ["x"]}, "questions: found the columns film; expected"),
    ({"user_id": [100, None]}, "row 1: no user_id; expected one in every row"),
    ({"user_id": [99]}, "user 99: not among the 40 users"),
    ({"ratings": ["x"]}, r"ratings of row 0: found 'x'; expected a list such as \[\{"),
    ({"ratings": [[]]}, r"ratings of row 0: found '\[\]'; expected a list"),
    ({"ratings": [[{"item_id": 4, "rating": "good"}]]}, "ratings of row 0: found 'good' for item 4"),
    ({"ratings": [[{"item_id": 4, "rating": float("nan")}]]}, "ratings of row 0: found nan for item 4"),
    ({"ratings": [[{"item_id": 4}]]}, "ratings of row 0: no column rating; found item_id"),
]


@pytest.mark.parametrize(("asked", "told"), WRONG)
def test_what_makes_no_sense_is_told(asked, told, loaded):
    with pytest.raises(InputError, match=told):
        answer(loaded["als"], pd.DataFrame(asked))
