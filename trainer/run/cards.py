"""The model card of a student, as the trainer begins it."""

from dataclasses import asdict

from midfuse.core.card import Architecture, Input, ModelCard, Output, Training
from trainer.data.datasets import DataSet
from trainer.data.windows import Standardiser
from trainer.learn.grids import Ranges
from trainer.run.recipe import Size
from trainer.run.stages import shape_of


def student_card(
    dataset: DataSet, size: Size, standardise: Standardiser, ranges: Ranges, training: Training
) -> ModelCard:
    """Of a folded student of the data set's modalities; `ranges` are the trained ones, if any."""
    channels, length, classes = shape_of(dataset)
    config = {"channels": channels, "length": length, "classes": classes, "folded": True}
    return ModelCard(
        name="student",
        modalities=dataset.modalities,
        window=dataset.window,
        labels=dataset.labels,
        inputs=[
            Input(
                name=modality.name,
                modality=modality.name,
                shape=[1, length, len(modality.channels)],
                mean=standardise.mean[modality.name].tolist(),
                std=standardise.std[modality.name].tolist(),
            )
            for modality in dataset.modalities
        ],
        outputs=[Output(name="logits", shape=[1, classes])],
        architecture=Architecture(name="dmft-student", config=config | asdict(size)),
        trained_ranges=ranges,
        training=training,
    )
