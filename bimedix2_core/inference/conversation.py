"""Conversation: several turns in either language; an image may come at any of them (Figures 3, 8 and 10)."""

from PIL import Image

from bimedix2_core.inference.generate import generate
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import Message, Sample, message

DISCLAIMER = "Research use only: not for clinical use."


class Conversation:
    """A chat that remembers its turns and images. The model answers in the language it is asked in.

    Research use only: not for clinical use.
    """

    def __init__(self, lmm: Lmm, *, settings: InferenceParams, seed: int = 0):
        """Begin with no turns."""
        self.lmm, self.settings, self.seed = lmm, settings, seed
        self.messages: list[Message] = []
        self.images: list[Image.Image] = []

    def ask(self, text: str, *, image: Image.Image | None = None) -> str:
        """Say something, with or without an image; return the model's answer.

        The turn is remembered only once it is answered, so a question that fails can be asked again.
        """
        images = [] if image is None else [image]
        asked = [*self.messages, message("user", text, images=len(images))]
        sample = Sample(
            id="conversation",
            language="",
            task="chat",
            source="reader",
            messages=[*asked, message("assistant", "")],
            images=[*self.images, *images],
        )
        answer = generate(self.lmm, [sample], settings=self.settings, seed=self.seed, title="answer")[0]
        self.messages = [*asked, message("assistant", answer)]
        self.images = sample.images
        return answer
