"""Deer, boar, zebra, leopard and fox: one body plan, other measures, each one's own marks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.demo.canvas import Canvas, Point

FAR, NEAR, DARK, LIGHT = 88, 122, 40, 205


@dataclass(frozen=True, slots=True)
class Plan:
    """Measures of a quadruped in units of its hip-to-shoulder length.

    Attributes:
        leg: height of the belly.
        chest, waist, rump: radii of the trunk.
        neck: length, radius at the shoulder, radius at the head.
        head: length, radius at the skull, radius at the muzzle.
        limb: radius of a leg at its top and at its foot.
        alert, grazing: angle of the neck in degrees above the horizontal, head up and head down.
    """

    leg: float
    chest: float
    waist: float
    rump: float
    neck: tuple[float, float, float]
    head: tuple[float, float, float]
    limb: tuple[float, float]
    alert: float
    grazing: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the parts of one animal are, once its trunk, legs, neck and head are painted."""

    hip: Point
    shoulder: Point
    nape: Point
    nose: Point
    facing: float


def walk(canvas: Canvas, rng: np.random.Generator, plan: Plan, phase: float) -> Pose:
    """Paint the legs, trunk, neck and head in a random pose; return where they are."""
    hip = (0.0, plan.leg + plan.rump * 0.95)
    shoulder = (1.0, plan.leg + plan.chest * 0.95)
    stride = rng.uniform(0.05, 0.24)
    for tone, shift in ((FAR, math.pi), (NEAR, 0.0)):
        _leg(canvas, plan, hip, stride * math.sin(phase + shift), tone, hind=True)
        _leg(canvas, plan, shoulder, stride * math.sin(phase + shift + 2.2), tone, hind=False)
        if shift:
            _trunk(canvas, plan, hip, shoulder)
    return _neck_and_head(canvas, rng, plan, shoulder)


def _leg(canvas: Canvas, plan: Plan, top: Point, swing: float, tone: int, *, hind: bool) -> None:
    """A leg from hip or shoulder to the ground; the hind one bends backwards at the hock."""
    x, y = top
    bend = -0.09 if hind else 0.025
    thigh, foot = plan.limb
    joint = (x + swing * 0.45 + bend, y * 0.46)
    ankle = (x + swing * 0.9 + bend * 0.4, foot * 2.2)
    points = [(x, y * 0.92), joint, ankle, (x + swing, foot), (x + swing + foot * 1.5, foot * 0.8)]
    canvas.tube(points, [thigh, (thigh + foot) * 0.48, foot, foot * 0.9, foot], tone)


def _trunk(canvas: Canvas, plan: Plan, hip: Point, shoulder: Point) -> None:
    middle = (
        (hip[0] + shoulder[0]) / 2,
        (hip[1] + shoulder[1]) / 2 + (plan.waist - plan.chest) * 0.25,
    )
    points = [
        (hip[0] - plan.rump * 0.35, hip[1] - 0.02),
        hip,
        middle,
        shoulder,
        (shoulder[0] + plan.chest * 0.35, shoulder[1]),
    ]
    canvas.tube(points, [plan.rump * 0.8, plan.rump, plan.waist, plan.chest, plan.chest * 0.75])


def _neck_and_head(canvas: Canvas, rng: np.random.Generator, plan: Plan, shoulder: Point) -> Pose:
    grazes = rng.random() < 0.3
    angle = math.radians((plan.grazing if grazes else plan.alert) + rng.uniform(-12, 12))
    length, base, end = plan.neck
    nape = (
        shoulder[0] + 0.1 + length * math.cos(angle),
        shoulder[1] + 0.05 + length * math.sin(angle),
    )
    canvas.tube(
        [
            (shoulder[0], shoulder[1] + 0.03),
            ((shoulder[0] + nape[0]) / 2 + 0.04, (shoulder[1] + nape[1]) / 2),
            nape,
        ],
        [base, (base + end) / 2, end],
    )
    facing = math.radians((-62 if grazes else -22) + rng.uniform(-10, 12))
    head, skull, muzzle = plan.head
    nose = (nape[0] + head * math.cos(facing), nape[1] + head * math.sin(facing))
    brow = (nape[0] + head * 0.35 * math.cos(facing), nape[1] + head * 0.35 * math.sin(facing))
    canvas.tube([nape, brow, nose], [skull * 0.92, skull, muzzle], 132)
    canvas.dot(nose, muzzle * 0.62, DARK)
    return Pose((0.0, plan.leg + plan.rump * 0.95), shoulder, nape, nose, facing)


def _on_head(pose: Pose, along: float, across: float) -> Point:
    """A point ``along`` the way from skull to nose and ``across`` it (upwards), in units."""
    cos, sin = math.cos(pose.facing), math.sin(pose.facing)
    return pose.nape[0] + along * cos - across * sin, pose.nape[1] + along * sin + across * cos


def _eye(canvas: Canvas, pose: Pose, along: float, across: float, size: float) -> Point:
    eye = _on_head(pose, along, across)
    canvas.dot(eye, size, 15)
    return eye


def _ears(canvas: Canvas, pose: Pose, length: float, width: float, backwards: float) -> None:
    for tone, shift in ((FAR, 0.05), (NEAR, -0.02)):
        root = _on_head(pose, shift, _ear_root(length))
        tip = (root[0] - backwards * length + shift, root[1] + length)
        middle = ((root[0] + tip[0]) / 2, (root[1] + tip[1]) / 2)
        canvas.tube([root, middle, tip], [width * 0.7, width, width * 0.15], tone)


def _ear_root(length: float) -> float:
    """How far above the middle of the skull an ear of this length is rooted."""
    return min(0.09, 0.35 * length)


def deer(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """Tall and thin-legged, long neck, short tail; six in ten carry antlers."""
    plan = Plan(
        0.74, 0.235, 0.2, 0.21, (0.52, 0.16, 0.085), (0.3, 0.095, 0.05), (0.11, 0.033), 58, -42
    )
    pose = walk(canvas, rng, plan, phase)
    canvas.tube([(-0.19, pose.hip[1] + 0.1), (-0.27, pose.hip[1] - 0.03)], [0.05, 0.03], LIGHT)
    _ears(canvas, pose, 0.19, 0.055, 0.75)
    if rng.random() < 0.6:
        _antlers(canvas, rng, pose)
    return _eye(canvas, pose, 0.09, 0.035, 0.022)


def _antlers(canvas: Canvas, rng: np.random.Generator, pose: Pose) -> None:
    size = rng.uniform(0.38, 0.6)
    for tone, lean in ((150, -0.08), (190, 0.1)):
        root = _on_head(pose, 0.05, 0.07)
        beam = [
            root,
            (root[0] - 0.16 * size + lean, root[1] + 0.5 * size),
            (root[0] + 0.1 * size + lean * 2, root[1] + size),
        ]
        canvas.tube(beam, [0.026, 0.024, 0.012], tone)
        for share, reach in ((0.3, 0.3), (0.6, 0.34), (0.82, 0.24)):
            x, y = root[0] - 0.12 * size * share + lean * share * 1.5, root[1] + size * share
            canvas.tube(
                [(x, y), (x + reach * size * 0.7, y + reach * size * 0.8)], [0.02, 0.01], tone
            )


def boar(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """All bulk on short legs, a bristly ridge, a wedge of a head with a snout and a tusk."""
    plan = Plan(0.4, 0.36, 0.33, 0.28, (0.2, 0.3, 0.2), (0.52, 0.2, 0.075), (0.13, 0.05), 2, -22)
    pose = walk(canvas, rng, plan, phase)
    for share in np.linspace(-0.1, 1.25, 46):
        back = pose.hip[1] + (pose.shoulder[1] - pose.hip[1]) * share
        y = back + 0.27 + 0.08 * share - 0.12 * max(0.0, share - 0.9) * 4
        height = rng.uniform(0.07, 0.17) * (0.6 + 0.4 * share)
        canvas.line((share, y - 0.05), (share - 0.06, y + height), 0.022, int(rng.integers(50, 95)))
    hip = pose.hip
    canvas.tube(
        [(-0.26, hip[1] + 0.05), (-0.38, hip[1] - 0.1), (-0.36, hip[1] - 0.3)],
        [0.03, 0.022, 0.035],
        FAR,
    )
    _ears(canvas, pose, 0.2, 0.075, 0.2)
    canvas.dot(_on_head(pose, 0.55, -0.0), 0.072, 165, solid=True)
    canvas.line(_on_head(pose, 0.42, -0.05), _on_head(pose, 0.47, 0.07), 0.03, 250)
    return _eye(canvas, pose, 0.2, 0.07, 0.024)


def zebra(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """A horse with an upright mane, a tufted tail and stripes all over."""
    plan = Plan(
        0.66, 0.29, 0.285, 0.28, (0.46, 0.22, 0.12), (0.4, 0.125, 0.075), (0.14, 0.045), 46, -44
    )
    pose = walk(canvas, rng, plan, phase)
    hip, shoulder = pose.hip, pose.shoulder
    _stripes(canvas, rng, pose)
    canvas.tube(
        [(-0.25, hip[1] + 0.1), (-0.37, hip[1] - 0.15), (-0.36, hip[1] - 0.45)],
        [0.035, 0.025, 0.06],
        DARK,
    )
    along, across = _neck_axes(pose)
    for share in np.linspace(0.12, 1.12, 16):
        root = np.array(shoulder) + along * share + across * (0.6 - 0.2 * share)
        tip = root + across * 0.5
        canvas.line(
            (root[0], root[1]), (tip[0], tip[1]), 0.045, DARK if rng.random() < 0.7 else LIGHT
        )
    _ears(canvas, pose, 0.15, 0.05, 0.4)
    canvas.tube([pose.nose, _on_head(pose, 0.33, 0)], [0.07, 0.075], DARK, solid=False)
    return _eye(canvas, pose, 0.14, 0.045, 0.024)


def _neck_axes(pose: Pose) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The way from shoulder to nape, and a quarter unit at right angles to it, to the mane."""
    along = np.array([pose.nape[0] - pose.shoulder[0], pose.nape[1] - pose.shoulder[1]])
    return along, np.array([-along[1], along[0]]) / np.hypot(*along) * 0.25


def _stripes(canvas: Canvas, rng: np.random.Generator, pose: Pose) -> None:
    hip, shoulder = pose.hip, pose.shoulder
    along, across = _neck_axes(pose)
    width = rng.uniform(0.02, 0.028)
    for x in np.arange(-0.32, 1.08, width * 4.2):
        lean = 0.16 * (0.5 - x)
        top, foot = (x - lean, hip[1] + 0.34), (x + lean, hip[1] - 0.3)
        middle = (x + rng.uniform(-0.025, 0.025), hip[1])
        canvas.tube([top, middle, foot], [width * 1.2, width, width * 0.6], DARK, solid=False)
    for share in np.arange(0.25, 1.0, width * 7):
        x, y = shoulder[0] + along[0] * share, shoulder[1] + along[1] * share
        ends = (x + across[0], y + across[1]), (x - across[0], y - across[1])
        canvas.line(*ends, width * 2, DARK, solid=False)
    for band in (0.03, 0.1, 0.18, 0.25):
        canvas.line(
            _on_head(pose, band, 0.13),
            _on_head(pose, band + 0.05, -0.13),
            width * 1.2,
            DARK,
            solid=False,
        )
    for height in np.arange(0.1, hip[1] - 0.32, width * 4):
        for x in (-0.1, 1.0):
            canvas.line(
                (x - 0.36, height), (x + 0.36, height + 0.04), width * 1.2, DARK, solid=False
            )


def leopard(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """Long and low, round head, long curved tail, rosettes."""
    plan = Plan(
        0.45, 0.22, 0.185, 0.205, (0.2, 0.18, 0.15), (0.24, 0.15, 0.08), (0.115, 0.055), 26, 0
    )
    pose = walk(canvas, rng, plan, phase)
    hip, lift = pose.hip, rng.uniform(-0.1, 0.35)
    tail = [
        (-0.15, hip[1] + 0.06),
        (-0.5, hip[1] - 0.18),
        (-0.85, hip[1] - 0.22 + lift),
        (-1.08, hip[1] + 0.02 + lift),
    ]
    canvas.tube(tail, [0.06, 0.05, 0.05, 0.045])
    _rosettes(canvas, rng, pose)
    for x, y in tail[1:]:
        canvas.tube([(x - 0.03, y + 0.06), (x + 0.03, y - 0.06)], [0.03, 0.03], DARK, solid=False)
    for tone, shift in ((FAR, 0.07), (NEAR, -0.06)):
        canvas.dot(_on_head(pose, shift, 0.15), 0.06, tone, solid=True)
    canvas.dot(_on_head(pose, 0.2, -0.045), 0.06, LIGHT)
    return _eye(canvas, pose, 0.1, 0.045, 0.024)


def _rosettes(canvas: Canvas, rng: np.random.Generator, pose: Pose) -> None:
    hip = pose.hip
    for row, y in enumerate(np.arange(hip[1] - 0.15, hip[1] + 0.2, 0.095)):
        for x in np.arange(-0.22 + 0.06 * (row % 2), 1.2, 0.125):
            at = (x + rng.uniform(-0.02, 0.02), y + rng.uniform(-0.015, 0.015))
            canvas.dot(at, 0.046, 35)
            canvas.dot((at[0] + rng.uniform(-0.01, 0.01), at[1]), 0.023, 105)
    for _ in range(26):
        canvas.dot(
            (rng.choice([-0.05, 1.0]) + rng.uniform(-0.25, 0.25), rng.uniform(0.1, 0.42)), 0.024, 40
        )
    for _ in range(16):
        canvas.dot(_on_head(pose, rng.uniform(-0.2, 0.08), rng.uniform(-0.12, 0.13)), 0.016, 45)


def fox(canvas: Canvas, rng: np.random.Generator, phase: float) -> Point:
    """Slender, pointed snout, large pointed ears, a bushy tail with a light tip, dark feet."""
    plan = Plan(
        0.44, 0.19, 0.155, 0.175, (0.22, 0.15, 0.11), (0.32, 0.125, 0.03), (0.09, 0.036), 36, -12
    )
    pose = walk(canvas, rng, plan, phase)
    hip, lift = pose.hip, rng.uniform(-0.12, 0.25)
    tail = [
        (-0.12, hip[1] + 0.04),
        (-0.4, hip[1] - 0.1),
        (-0.72, hip[1] - 0.18 + lift / 2),
        (-1.0, hip[1] - 0.16 + lift),
    ]
    canvas.tube(tail, [0.055, 0.125, 0.145, 0.03])
    canvas.tube(
        [(tail[2][0] - 0.14, tail[2][1] + lift * 0.2), tail[3]], [0.11, 0.04], 225, solid=False
    )
    for tone, shift in ((FAR, 0.06), (NEAR, -0.06)):
        root, tip = _on_head(pose, shift, 0.05), _on_head(pose, shift - 0.1, 0.31)
        canvas.polygon([(root[0] - 0.075, root[1]), (root[0] + 0.075, root[1] - 0.01), tip], tone)
    canvas.tube(
        [_on_head(pose, 0.12, -0.06), _on_head(pose, 0.27, -0.015)], [0.05, 0.02], 215, solid=False
    )
    return _eye(canvas, pose, 0.1, 0.035, 0.021)
