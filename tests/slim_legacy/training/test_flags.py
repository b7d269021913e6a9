from __future__ import annotations

import dataclasses

import pytest

from slim_legacy import eval_image_classifier, train_image_classifier
from slim_legacy.training import flags
from slim_legacy.training.options import EvalOptions, TrainOptions

ORIGINAL_TRAIN = """master= num_clones=1 clone_on_cpu=False worker_replicas=1
num_ps_tasks=0 num_readers=4 num_preprocessing_threads=4 log_every_n_steps=10
save_summaries_secs=600 save_interval_secs=600 task=0 weight_decay=4e-05 optimizer=rmsprop
adadelta_rho=0.95 adagrad_initial_accumulator_value=0.1 adam_beta1=0.9 adam_beta2=0.999
opt_epsilon=1.0 ftrl_learning_rate_power=-0.5 ftrl_initial_accumulator_value=0.1 ftrl_l1=0.0
ftrl_l2=0.0 momentum=0.9 rmsprop_momentum=0.9 rmsprop_decay=0.9 quantize_delay=-1
learning_rate_decay_type=exponential learning_rate=0.01 end_learning_rate=0.0001
label_smoothing=0.0 learning_rate_decay_factor=0.94 num_epochs_per_decay=2.0 sync_replicas=False
replicas_to_aggregate=1 moving_average_decay=None dataset_name=imagenet dataset_split_name=train
dataset_dir=None labels_offset=0 model_name=inception_v3 preprocessing_name=None batch_size=32
train_image_size=None max_number_of_steps=None checkpoint_path=None
checkpoint_exclude_scopes=None trainable_scopes=None ignore_missing_vars=False"""
ORIGINAL_EVAL = """batch_size=100 max_num_batches=None master= num_preprocessing_threads=4
dataset_name=imagenet dataset_split_name=test dataset_dir=None labels_offset=0
model_name=inception_v3 preprocessing_name=None moving_average_decay=None eval_image_size=None
quantize=False"""


@pytest.mark.parametrize(
    ("command", "original"),
    [(train_image_classifier, ORIGINAL_TRAIN), (eval_image_classifier, ORIGINAL_EVAL)],
)
def test_every_flag_of_the_original_has_its_default(command, original):
    found = {k: str(v) for k, v in vars(command.main.build_parser().parse_args([])).items()}
    wanted = dict(pair.split("=") for pair in original.split())
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ([], False),
        (["--clone_on_cpu"], True),
        (["--clone_on_cpu=True"], True),
        (["--clone-on-cpu=true"], True),
        (["--clone_on_cpu=False"], False),
        (["--clone_on_cpu", "--noclone_on_cpu"], False),
    ],
)
def test_booleans_are_written_as_absl_takes_them(words, value):
    assert train_image_classifier.main.build_parser().parse_args(words).clone_on_cpu is value


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("--master=grpc://x", "--num_clones"),
        ("--task=1", "--num_clones"),
        ("--worker_replicas=2", "--num_clones"),
        ("--num_ps_tasks=1", "--num_clones"),
        ("--sync_replicas", "--num_clones"),
        ("--replicas_to_aggregate=2", "--num_clones"),
        ("--quantize_delay=0", "export_model.py"),
    ],
)
def test_flags_of_parameter_servers_are_taken_at_their_defaults_only(word, instead, capsys):
    with pytest.raises(SystemExit) as end:
        train_image_classifier.main([word])
    message = capsys.readouterr().err
    assert end.value.code == 2
    assert instead in message
    assert len(message.splitlines()) == 1


def test_their_defaults_are_accepted(capsys):
    words = ["--master=", "--task=0", "--nosync_replicas", "--sync_replicas=false"]
    assert train_image_classifier.main(words) == 2  # for another reason:
    assert "You must supply the dataset directory with --dataset_dir" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch_size=0"], "--batch_size must be at least 1, got 0"),
        (["--label_smoothing=1"], "--label_smoothing must be in [0, 1), got 1.0"),
        (["--model_name=inception_v3"], "Name of network unknown inception_v3"),
        (["--model_name=tiny", "--preprocessing_name=vgg"], "Preprocessing name [vgg]"),
        (["--model_name=tiny", "--dataset_name=nothing"], "Name of dataset unknown nothing"),
    ],
)
def test_a_wrong_value_is_one_line(words, message, tmp_path, capsys):
    assert train_image_classifier.main([f"--dataset_dir={tmp_path}", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("options", [TrainOptions, EvalOptions])
def test_options_survive_the_command_line(options):
    import argparse

    parser = argparse.ArgumentParser()
    flags.declare(parser, options)
    parsed, fields = vars(parser.parse_args([])), dataclasses.fields(options)
    assert options(**{one.name: parsed[one.name] for one in fields}) == options()
    assert all(one.metadata["help"] for one in fields)
