"""Runs PyTorch in a process of its own: a checkpoint, an image, and the logits PyTorch gives.

    PYTHONPATH=.../efficientnet-pytorch/0.7.0 python torch_reference.py efficientnet-b0 FOLDER

The two versions of efficientnet-pytorch have the same name, hence the folder for each.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_pytorch import EfficientNet

NUM_LABELS = 7


def lively(model):
    """Random statistics that keep activations alive, so that every layer tells in the logits."""
    generator = torch.Generator().manual_seed(2)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    with torch.no_grad():
        model.extract_features(torch.randn((4, 3, 128, 128), generator=generator))
        for norm in norms:
            norm.weight.uniform_(0.8, 1.2, generator=generator)
            norm.bias.uniform_(-0.2, 0.2, generator=generator)
            # a channel that hardly moves would be blown up, and rounding with it
            norm.running_var.clamp_(min=0.1)
        model._fc.weight.normal_(0, 0.1, generator=generator)
    return model.eval()


def main(name, folder):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = lively(EfficientNet.from_name(name, num_classes=NUM_LABELS))
    size = EfficientNet.get_image_size(name)
    image = np.random.default_rng(3).integers(0, 256, (size, size, 3)).astype(np.float32)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = ((image / 255 - mean) / std).astype(np.float32).transpose(2, 0, 1)[None]
    with torch.no_grad():
        logits = model(torch.from_numpy(pixels)).numpy()
    # as the original training script: its keys and DataParallel's prefix
    weights = {f"module.{key}": value for key, value in model.state_dict().items()}
    metric = np.float64(81.2)
    torch.save(
        {"epoch": 7, "model": weights, "val/acc": metric, "optimizer": {"state": {}}},
        folder / "ckpt_7.pt",
    )
    np.savez(folder / "reference.npz", image=image[None], logits=logits)
    if name == "efficientnet-b0":
        model.set_swish(memory_efficient=False)
        torch.jit.trace(model, torch.from_numpy(pixels)).save(folder / "compiled.pt")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
