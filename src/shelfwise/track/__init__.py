"""Trackers: what a training, a tuning or an evaluation did, for people to look at and compare.

To add one: a file with the class, its test, and a line in `BUILTIN`. A tracker of a shop's own is named by
`use = "package.module:Class"`. Nothing here is needed to serve.
"""

BUILTIN = {
    "tensorboard": "shelfwise.track.tensorboard_files:TensorBoardFiles",
    "mlflow": "shelfwise.track.mlflow_runs:MLflowRuns",
    "wandb": "shelfwise.track.wandb_runs:WandbRuns",
    "none": "shelfwise.track.tracker:Nothing",
}
