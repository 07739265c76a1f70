"""From a source's raw file to ratings, splits and the matrix that models train on."""
