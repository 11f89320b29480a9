"""Overlap: which texts share a run of words with another, exactly and fast.

    texts -> words -> every run of n words ------------> {run: numbers of the texts}
                  '--> a short text, whole, at its head: {first words: [(the whole, its number)]}

Reading goes once along the words; each place asks both dictionaries.
"""

from collections.abc import Iterable, Iterator, Sequence

from bimedix2_core.data.decontaminate.text import n_grams


class Overlaps:
    """The runs of words of a set of texts.

    Args:
        texts: the words of each text, and whether a text shorter than `n` counts as a whole; a text is later named by
            its position. Equal texts should be given once: they count as one.
        n: words of a run.
        shortest: fewest words of a text that counts as a whole.
        common: a run that more texts than this share says nothing of any of them and is left out.
    """

    def __init__(self, texts: Iterable[tuple[Sequence[str], bool]], *, n: int, shortest: int, common: int) -> None:
        self.n = n
        self.shortest = shortest
        self._texts: dict[str, int | list[int]] = {}
        self._short: dict[str, list[tuple[str, int, int]]] = {}
        for number, (words, whole) in enumerate(texts):
            if len(words) >= n:
                for run in dict.fromkeys(n_grams(words, n)):
                    self._add(run, number)
            elif whole and len(words) >= shortest:
                head = " ".join(words[:shortest])
                self._short.setdefault(head, []).append((" ".join(words), len(words), number))
        too_common = [run for run, found in self._texts.items() if isinstance(found, list) and len(found) > common]
        for run in too_common:
            del self._texts[run]
        self.n_common = len(too_common)
        """Runs left out because more than `common` texts share them."""

    def __len__(self) -> int:
        """Number of different runs, whole short texts among them."""
        return len(self._texts) + sum(map(len, self._short.values()))

    def shared_with(self, words: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Each (number of a text, run) that stands in these words; a text appears once for each run it shares."""
        for start, head in enumerate(n_grams(words, self.shortest)):
            for whole, length, number in self._short.get(head, ()):
                if " ".join(words[start : start + length]) == whole:
                    yield number, whole
        for run in n_grams(words, self.n):
            found = self._texts.get(run)
            if found is not None:
                for number in [found] if isinstance(found, int) else found:
                    yield number, run

    def _add(self, run: str, number: int) -> None:
        """Most runs belong to one text: a list is made for the others only, which halves the memory."""
        found = self._texts.setdefault(run, number)
        if isinstance(found, list):
            found.append(number)
        elif found != number:
            self._texts[run] = [found, number]
