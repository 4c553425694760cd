"""A bundle that calls bright pictures ill, and folders of made pictures to measure it on."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from core.images import encode
from pneumoscope.core.bundle import OUTPUTS, bundle_find

_SIDE = 224
_CELL = 32


def bright_bundle(folder: Path, *, gain: float = 8.0, name: str = "bright") -> Path:
    """The map is the mean of each 32 × 32 cell: everything about the result is known in advance.

    P(pneumonia) grows with brightness, the more steeply the larger the gain; bacterial and viral
    are always equally likely. The gate lets everything pass that the rules on pixels do not refuse.
    """
    folder.mkdir(parents=True)
    onnx.save(_network(gain), str(folder / "model.onnx"))
    one = np.ones(1, dtype=np.float32)
    gate = {"mean": one, "spread": one, "components": one[None], "scale": one}
    np.savez(folder / "gate.npz", norm=np.ones(2, "f4"), **gate)
    pixels = np.random.default_rng(0).integers(0, 256, (2, _SIDE, _SIDE), dtype=np.uint8)
    session = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    outputs = session.run(list(OUTPUTS), {"pixels": pixels[:, None].astype(np.float32) / 255})
    golden = dict(zip(OUTPUTS, outputs, strict=True))
    np.savez(folder / "golden.npz", pixels=pixels, **golden)
    card = json.loads((bundle_find() / "card.json").read_text(encoding="utf-8"))
    files = {
        file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in card["files"]
    }
    changes = {"name": name, "files": files, "region_level": 0.5}
    card |= changes | {"gate": card["gate"] | {"limit": 1e9}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def _network(gain: float) -> onnx.ModelProto:
    def constant(name: str, values: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(values.astype(np.float32), name)

    kernel = np.array([-gain, gain, gain]).reshape(3, 1, 1, 1)
    nodes = [
        helper.make_node(
            "AveragePool", ["pixels"], ["cells"], kernel_shape=[_CELL] * 2, strides=[_CELL] * 2
        ),
        helper.make_node("Conv", ["cells", "kernel", "bias"], ["activation"]),
        helper.make_node("ReduceMean", ["activation", "axes"], ["logits"], keepdims=0),
        helper.make_node("Flatten", ["cells"], ["embedding"]),
        helper.make_node("ReduceMean", ["embedding", "last"], ["mean"], keepdims=1),
        helper.make_node("Exp", ["mean"], ["gate_features"]),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in OUTPUTS]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 1, _SIDE, _SIDE])
    initial = [
        constant("kernel", kernel),
        constant("bias", np.array([0.4, -0.4, -0.4]) * gain),
        numpy_helper.from_array(np.array([2, 3], dtype=np.int64), "axes"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "last"),
    ]
    graph = helper.make_graph(nodes, "bright", [pixels], outputs, initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def picture(rng: np.random.Generator, *, ill: bool, sure: float = 0.25) -> np.ndarray:
    """uint8 [96, 80]; the ill are brighter by `sure`, and more so in a square in the upper left.
    Black and white are in every one, so that stretching the contrast changes nothing."""
    level = 0.3 + (sure if ill else 0.0) + rng.normal(0, 0.08)
    pixels = level + rng.normal(0, 0.1, (96, 80))
    if ill:
        pixels[16:48, 10:40] += 0.3
    pixels[88:, :8], pixels[88:, -8:] = 0, 1
    return (pixels.clip(0, 1) * 255).astype(np.uint8)


BOX = (10, 16, 30, 32)  # left, top, width, height of that square


def kermany(root: Path, *, each: int = 24, seed: int = 1) -> Path:
    """test/NORMAL and test/PNEUMONIA, two images a patient, bacterial and viral by turns."""
    rng = np.random.default_rng(seed)
    for i in range(each):
        kind = ("bacteria", "virus")[i // 2 % 2]
        for ill, name in (
            (True, f"PNEUMONIA/person{i // 2}_{kind}_{i}"),
            (False, f"NORMAL/IM-{i // 2:04}-{i:04}"),
        ):
            _write(root / "test" / f"{name}.jpeg", picture(rng, ill=ill))
    return root


def nih(root: Path, *, each: int = 12, seed: int = 2) -> Path:
    """labels.csv, boxes.csv and images as in the adults that radiologists read."""
    rng = np.random.default_rng(seed)
    classes = ("Lung Opacity", "Normal", "No Lung Opacity / Not Normal", "")
    labels = ["image,width,height,patient_id,age,sex,view,nih_labels,rsna_class"]
    boxes = ["image,finding,x,y,width,height,source"]
    for i in range(4 * each):
        name, kind = f"{i:05}.png", classes[i % 4]
        view, sex = ("AP", "PA")[i // 4 % 2], "MF"[i // 8 % 2]
        labels.append(f"{name},80,96,{i // 2},{20 + i},{sex},{view},Infiltration,{kind}")
        if i % 4 == 0:
            boxes.append(f"{name},Lung Opacity,{','.join(map(str, BOX))},made")
        _write(root / "images" / name, picture(rng, ill=i % 4 == 0))
    (root / "labels.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    (root / "boxes.csv").write_text("\n".join(boxes) + "\n", encoding="utf-8")
    return root


def hannover(root: Path, *, images: int = 12, seed: int = 3) -> Path:
    """labels.csv and images, every one ill."""
    rng = np.random.default_rng(seed)
    labels = ["image,width,height,patient_id,age,sex,view,finding"]
    for i in range(images):
        labels.append(f"{i}.png,80,96,p{i // 2},,f,AP,COVID-19")
        _write(root / "images" / f"{i}.png", picture(rng, ill=True))
    (root / "labels.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return root


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(pixels, "JPEG" if path.suffix == ".jpeg" else "PNG"))
