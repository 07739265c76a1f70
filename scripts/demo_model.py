"""A page to try a trained model: search titles, give some stars, and see what it predicts. `make demo` opens it."""

import argparse

import numpy as np
import pandas as pd
import streamlit as st

from deeprec.runtime import addresses
from deeprec.runtime.files import InputError
from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.serving.loading import load
from deeprec.serving.recommender import Recommender


@st.cache_resource(show_spinner="Loading the model …")
def loaded(source: str, tracking_uri: str) -> Recommender:
    hide_sparse_warning()
    unwrap_optimizers()
    return load(source, tracking_uri=tracking_uri)


def main(args: argparse.Namespace) -> None:
    st.set_page_config(page_title="Try the model", page_icon="⭐")
    try:
        show(loaded(args.model, args.tracking_uri))
    except InputError as error:
        st.error(str(error))


def show(model: Recommender) -> None:
    """Draw the page; Streamlit calls it anew whenever something on it changes."""
    labels = model.catalogue.labels
    st.title("What would you like?")
    st.caption(f"{model.run.name}, trained on {model.run.dataset}: {model.train.n_rows:,} users' ratings")
    items, named = range(len(labels)), labels.__getitem__
    title = "Titles that you know"
    chosen = st.multiselect(title, items, format_func=named, filter_mode="contains", select_all=False)
    low, high = map(float, model.limits)
    step = step_of(model.train.values.numpy(), low, high)
    middle = low + step * round((high - low) / 2 / step)
    stars = [st.slider(labels[item], low, high, middle, step, key=f"stars {item}") for item in chosen]
    if not chosen:
        st.info("Search a title or two and say how much you liked them.")
        return
    known = model.catalogue.items.known
    new = model.add_user({"item_id": known[chosen].tolist(), "rating": stars})
    st.subheader("You might like")
    st.table(table(new.recommend(10)))
    asked = st.selectbox("And what of …", items, index=None, format_func=named, filter_mode="contains")
    if asked is not None:
        [prediction] = new.predict(known[[asked]])["prediction"]
        st.metric(labels[asked], f"{prediction:.2f}", help=f"predicted rating, from {low:g} to {high:g}")


def step_of(ratings: np.ndarray, low: float, high: float) -> float:
    """Return the step from one rating to the next that people gave, but at most a hundred steps."""
    return max(float(np.diff(np.unique(ratings)).min(initial=high - low)), (high - low) / 100)


def table(best: pd.DataFrame) -> pd.DataFrame:
    """Return recommendations as people read them."""
    titles = best["title"].where(best["title"] != "", best["item_id"].astype(str))
    return pd.DataFrame({"Title": titles, "Predicted rating": best["prediction"].map("{:.2f}".format)}).set_index(
        best["rank"]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder of a training, results/DATASET/runs/RUN/seed_N, or models:/NAME@champion")
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    main(parser.parse_args())
