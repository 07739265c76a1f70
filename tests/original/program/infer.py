"""A stand-in with the authors' interface, written for tests: writes user, item, prediction and rating a line."""

import argparse
from pathlib import Path

import torch
from reco_encoder.data import input_layer
from reco_encoder.model import model

parser = argparse.ArgumentParser()
parser.add_argument("--drop_prob", type=float)
for name in ("hidden_layers", "path_to_train_data", "path_to_eval_data"):
    parser.add_argument(f"--{name}")
for name in ("non_linearity_type", "save_path", "predictions_path"):
    parser.add_argument(f"--{name}")
args = parser.parse_args()


def main():
    train = input_layer.UserItemRecDataProvider({"batch_size": 1, "data_dir": args.path_to_train_data})
    test = input_layer.UserItemRecDataProvider(
        {"batch_size": 1, "data_dir": args.path_to_eval_data}, train.userIdMap, train.itemIdMap
    )
    sizes = [train.vector_dim, *map(int, args.hidden_layers.split(","))]
    net = model.AutoEncoder(sizes, args.non_linearity_type, args.drop_prob)
    net.load_state_dict(torch.load(args.save_path))
    net.eval()
    with Path(args.predictions_path).open("w") as out:
        for user, ratings in test.data.items():
            y = net(train.vector(train.data[user]))
            for item, rating in ratings:
                out.write(f"{user}\t{item}\t{y[item].item()}\t{rating}\n")
