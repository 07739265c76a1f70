"""A stand-in with the authors' interface, written for tests: the same options, tags and mathematics in few lines."""

import argparse
from math import sqrt
from pathlib import Path

import torch
import torch.optim as optim
from logger import Logger
from reco_encoder.data import input_layer
from reco_encoder.model import model
from torch.optim.lr_scheduler import MultiStepLR

parser = argparse.ArgumentParser()
for name, kind in (("lr", float), ("weight_decay", float), ("drop_prob", float), ("noise_prob", float)):
    parser.add_argument(f"--{name}", type=kind, default=0.0)
for name in ("batch_size", "summary_frequency", "aug_step", "num_epochs", "save_every"):
    parser.add_argument(f"--{name}", type=int)
for name in ("hidden_layers", "path_to_train_data", "path_to_eval_data", "non_linearity_type", "logdir"):
    parser.add_argument(f"--{name}")
parser.add_argument("--slower", type=float, default=1.0)  # a fault, for a test
args = parser.parse_args()


def do_eval(net, data):
    net.eval()
    found = [model.masked(net(data.vector(data.src_data[user])), data.vector(data.data[user])) for user in data.data]
    return sqrt(sum(error.item() for error, _ in found) / sum(n.item() for _, n in found))


def log_var_and_grad_summaries(*_, **__):
    raise AssertionError("norms of weights are not asked for")


def main():
    log, params = Logger(args.logdir), {"batch_size": args.batch_size}
    train = input_layer.UserItemRecDataProvider({**params, "data_dir": args.path_to_train_data})
    valid = input_layer.UserItemRecDataProvider(
        {**params, "data_dir": args.path_to_eval_data}, train.userIdMap, train.itemIdMap
    )
    valid.src_data = train.data
    sizes = [train.vector_dim, *map(int, args.hidden_layers.split(","))]
    net = model.AutoEncoder(sizes, args.non_linearity_type, args.drop_prob)
    if Path(args.logdir, "model").is_file():
        net.load_state_dict(torch.load(Path(args.logdir, "model")))
    sgd = optim.SGD(net.parameters(), lr=args.lr * args.slower, momentum=0.9, weight_decay=args.weight_decay)
    schedule = MultiStepLR(sgd, milestones=[24, 36, 48, 66, 72], gamma=0.5)
    step = 0
    for epoch in range(args.num_epochs):
        net.train()
        schedule.step()
        log.scalar_summary("lr", sgd.param_groups[0]["lr"], epoch)
        losses = []
        for x in train.iterate_one_epoch():
            fed = None
            for again in range(1 + max(args.aug_step, 0)):
                target = x if again == 0 else fed
                y = net(target)
                error, n = model.masked(y, target)
                sgd.zero_grad()
                (error / n).backward()
                sgd.step()
                fed = y.detach()
                if again == 0:
                    losses.append((error / n).item())
            step += 1
            log.scalar_summary("Training_RMSE", sqrt(losses[-1]), step)
            log_var_and_grad_summaries(log, net.encode_w, step, "Encode_W")
        log.scalar_summary("Training_RMSE_per_epoch", sqrt(sum(losses) / len(losses)), epoch)
        log.scalar_summary("Epoch_time", 0.5, epoch)
        if epoch % args.save_every == 0 or epoch == args.num_epochs - 1:
            log.scalar_summary("EVALUATION_RMSE", do_eval(net, valid), epoch)
            torch.save(net.state_dict(), f"{args.logdir}/model.epoch_{epoch}")
    torch.save(net.state_dict(), f"{args.logdir}/model.last")
    torch.onnx.export(None, None, "nowhere")
