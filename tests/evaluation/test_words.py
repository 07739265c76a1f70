"""Numbers as people read them."""

from deeprec.evaluation.words import number, signed, spread

NAN = float("nan")


def test_numbers_read_well():
    assert (spread(1.23456, 0.01), spread(1.2, NAN), spread(NAN, NAN)) == ("1.2346 ± 0.0100", "1.2000", "–")
    assert (number(1234567.0), number(NAN), signed(-0.5), signed(NAN)) == ("1,234,567", "–", "-0.5000", "–")
