"""Hare, porcupine and guineafowl: bodies that are no walking quadruped's."""

from __future__ import annotations

import itertools
import math

import numpy as np

from database_tools.demo.canvas import Canvas, Point

FAR, NEAR, DARK, LIGHT = 88, 122, 40, 205


def hare(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """A round crouching body, big haunch, very long upright ears, a light puff of a tail."""
    up = rng.uniform(0, 0.2) + 0.06 * math.sin(phase)
    canvas.tube(
        [(0.92, 0.5 + up * 0.5), (0.95, 0.2), (1.0, 0.05), (1.1, 0.05)],
        [0.1, 0.06, 0.05, 0.045],
        FAR,
    )
    canvas.tube([(0.1, 0.45), (0.45, 0.55 + up * 0.3), (0.85, 0.58 + up)], [0.42, 0.4, 0.25])
    canvas.dot((-0.33, 0.42), 0.13, 225, solid=True)
    canvas.tube(
        [(0.86, 0.5 + up), (0.9, 0.2), (0.96, 0.05), (1.08, 0.05)], [0.11, 0.065, 0.05, 0.045], NEAR
    )
    canvas.tube(
        [(0.15, 0.36), (0.3, 0.18), (0.05, 0.07), (0.5, 0.06)], [0.27, 0.16, 0.065, 0.055], NEAR
    )
    head = (1.08, 0.85 + up)
    canvas.tube([(0.9, 0.72 + up), head, (1.3, 0.77 + up)], [0.2, 0.2, 0.11], 132)
    lean = rng.uniform(-0.3, 0.12)
    for tone, shift in ((FAR, 0.06), (NEAR, -0.06)):
        root = (head[0] - 0.06 + shift, head[1] + 0.12)
        tip = (root[0] + lean + shift, root[1] + 0.72)
        canvas.tube(
            [root, ((root[0] + tip[0]) / 2, (root[1] + tip[1]) / 2), tip], [0.06, 0.105, 0.04], tone
        )
    eye = (head[0] + 0.08, head[1] + 0.05)
    canvas.dot(eye, 0.042, 15)
    canvas.dot((1.39, 0.79 + up), 0.035, DARK)
    return eye


def porcupine(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """A dome of long banded quills on short legs, with a small blunt head."""
    for x, tone in ((0.1, FAR), (0.95, FAR), (0.0, NEAR), (0.85, NEAR)):
        swing = 0.06 * math.sin(phase + 9 * x)
        canvas.tube(
            [(x, 0.35), (x + swing, 0.08), (x + swing + 0.08, 0.05)], [0.13, 0.07, 0.055], tone - 25
        )
    canvas.tube([(-0.1, 0.45), (0.4, 0.55), (1.0, 0.46)], [0.28, 0.36, 0.22], 80)
    canvas.tube([(1.05, 0.45), (1.25, 0.42), (1.48, 0.34)], [0.19, 0.16, 0.09], 95)
    canvas.dot((1.54, 0.34), 0.055, DARK)
    canvas.dot((1.16, 0.56), 0.055, 105, solid=True)
    _quills(canvas, rng)
    eye = (1.33, 0.45)
    canvas.dot(eye, 0.032, 12)
    return eye


def _quills(canvas: Canvas, rng: np.random.Generator) -> None:
    raised = rng.uniform(0.75, 1.1)
    for _ in range(190):
        x = rng.uniform(-0.25, 1.1)
        y = 0.42 + rng.uniform(0, 0.42) * math.sqrt(max(0.05, 1 - ((x - 0.4) / 0.85) ** 2))
        angle = math.radians(165 - 75 * raised * (x + 0.3) / 1.5 + rng.uniform(-14, 14))
        length = rng.uniform(0.3, 0.62) * (1.1 - 0.45 * max(0.0, x))
        tip = (x + length * math.cos(angle), y + length * math.sin(angle))
        bands = np.linspace(0, 1, 6)
        for band, (a, b) in enumerate(itertools.pairwise(bands)):
            start = (x + (tip[0] - x) * a, y + (tip[1] - y) * a)
            end = (x + (tip[0] - x) * b, y + (tip[1] - y) * b)
            canvas.line(start, end, 0.022, (48, 215, 60, 225, 235)[band])


def guineafowl(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """A hen-shaped bird: a drop of a body with light dots, thin neck, small head with a casque."""
    stride = 0.13 + 0.09 * math.sin(phase)
    for x, tone in ((0.5 + stride, 70), (0.5 - stride, 105)):
        canvas.tube(
            [(0.5, 0.42), ((0.5 + x) / 2 + 0.04, 0.22), (x, 0.04)], [0.09, 0.035, 0.028], tone
        )
        canvas.tube([(x - 0.07, 0.025), (x + 0.13, 0.025)], [0.018, 0.018], tone)
    pecks = rng.random() < 0.3
    head = (1.18, 0.5) if pecks else (1.12 + rng.uniform(-0.08, 0.06), 1.28)
    canvas.tube([(-0.38, 0.42), (0.0, 0.6), (0.45, 0.68), (0.8, 0.7)], [0.1, 0.27, 0.36, 0.25], 78)
    canvas.tube(
        [(0.85, 0.78), ((0.85 + head[0]) / 2 + 0.06, (0.8 + head[1]) / 2), head],
        [0.19, 0.075, 0.06],
        92,
    )
    _plumage(canvas, rng)
    canvas.tube([head, (head[0] + 0.1, head[1] - 0.02)], [0.095, 0.06], 215)
    casque = (-0.06, 0.06), (0.06, 0.07), (-0.05, 0.22)
    beak = (0.13, 0.03), (0.26, -0.06), (0.12, -0.07)
    for shape, tone in ((casque, 165), (beak, 60)):
        canvas.polygon([(head[0] + x, head[1] + y) for x, y in shape], tone)
    eye = (head[0] + 0.04, head[1] + 0.02)
    canvas.dot(eye, 0.026, 12)
    return eye


def _plumage(canvas: Canvas, rng: np.random.Generator) -> None:
    for row, y in enumerate(np.arange(0.3, 1.05, 0.085)):
        for x in np.arange(-0.45 + 0.045 * (row % 2), 0.88, 0.09):
            canvas.dot(
                (x + rng.uniform(-0.012, 0.012), y + rng.uniform(-0.012, 0.012) + 0.12 * (x - 0.4)),
                0.022,
                225,
            )
