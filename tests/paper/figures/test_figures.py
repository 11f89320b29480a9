import base64
import io
import itertools
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from traitlets.config import Config

from bimedix2_core.errors import DataError
from bimedix2_core.paper import figures
from bimedix2_core.paper.figures import Bar, Dialogue, Exchange, style
from bimedix2_core.paper.figures.output import MAX_PNG_BYTES, lean_png
from bimedix2_core.paper.figures.text import Ruler, reads_to_left

LEFT_EFFUSION = "تُظهر صورة الأشعة السينية للصدر انصبابًا جنبيًا كبيرًا في الجانب الأيسر، وحجم القلب طبيعي."
EN = Exchange(
    "What does this chest X-ray show?", "A large left pleural effusion.", "en", Image.new("RGB", (40, 30), "navy")
)
AR = Exchange("ماذا تُظهر هذه الصورة؟", LEFT_EFFUSION, "ar", Image.new("RGB", (30, 40), "navy"))


def strip_marks(text: str) -> str:
    return text.strip("\u200e\u200f")


def texts(figure: Figure) -> list:
    """All non-empty texts of a figure and its axes, without the ticks."""
    found = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text for text in found if text.get_text()]


def words(figure: Figure) -> list[str]:
    return " ".join(strip_marks(text.get_text()) for text in texts(figure)).split()


def bubbles(figure: Figure) -> list[FancyBboxPatch]:
    """The bubbles of the first card, without the card itself."""
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)][1:]


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What ``display`` sends out, in a shell of its own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    publisher = CapturingDisplayPublisher()
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    monkeypatch.setattr(shell, "display_pub", publisher)
    monkeypatch.setattr(InteractiveShell, "_instance", shell)
    return publisher.outputs


# ---- fonts and text ----


def test_arabic_letters_are_joined():
    ruler = Ruler()
    word = "الصدر"
    isolated = "\u200c".join(word)  # a zero-width non-joiner between letters keeps each one isolated

    assert ruler.width(word, 20) < 0.95 * ruler.width(isolated, 20)


def test_arabic_is_ordered_from_right_to_left():
    def drawn(text: str) -> np.ndarray:
        figure = Figure(figsize=(3, 1), dpi=100)
        figure.text(0.5, 0.5, text, ha="center", fontsize=20, family=list(style.fonts()), parse_math=False)
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        return 255.0 - np.asarray(Image.open(stream).convert("L"))

    both, alef = drawn("ا ...."), drawn("ا")
    columns = np.flatnonzero(both.max(axis=0) > 100)
    tall = np.flatnonzero((both > 100).sum(axis=0) > 0.7 * (alef > 100).sum(axis=0).max())

    assert tall.min() > columns.mean()  # the alef, written first, stands at the right of its dots


def test_the_last_font_has_arabic_and_is_always_there():
    assert style.fonts()[-1] == "DejaVu Sans"
    assert set(style.fonts()) <= set(style.FONTS)


def test_figures_work_with_the_font_that_comes_with_matplotlib(monkeypatch):
    monkeypatch.setattr(style, "FONTS", ("DejaVu Sans",))

    figure = figures.dialogue_panel([AR], title="محادثة")

    assert {text.get_fontfamily()[0] for text in texts(figure)} == {"DejaVu Sans"}
    assert lean_png(figure)


@pytest.mark.parametrize("text", [LEFT_EFFUSION, "A large left pleural effusion with $5 in it.", "نعم، CT scan هنا."])
@pytest.mark.parametrize("width", [30.0, 90.0, 400.0])
def test_wrapping_keeps_all_words_and_the_width(text, width):
    ruler = Ruler()

    lines = ruler.wrap(text, width, 10)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(ruler.width(line, 10) <= width for line in lines)
    if width >= 90:
        assert " ".join(lines) == text


def test_a_word_wider_than_the_line_is_cut_and_not_lost():
    lines = Ruler().wrap("a " + "x" * 80 + " b", 100, 10)

    assert "".join(lines).replace(" ", "") == "a" + "x" * 80 + "b"
    assert len(lines) > 3


def test_drawing_changes_no_setting_of_matplotlib():
    before = dict(mpl.rcParams)

    figures.image_grid([Image.new("RGB", (8, 8))], ["طبيعي"])
    figures.accuracy_bars([Bar("side", "en", 0.5, 0.4, 0.6, 10)])

    assert dict(mpl.rcParams) == before


# ---- show and save ----


def test_a_figure_is_shown_with_its_text_alternative(shown):
    figures.show(figures.loss_curves({"training": [(0, 2.0), (1, 1.0)]}), "Loss falls over two steps.")

    (output,) = shown
    assert output["metadata"]["image/png"] == {"alt": "Loss falls over two steps.", "width": 800}
    assert output["data"]["text/plain"] == "Figure: Loss falls over two steps."
    png = base64.b64decode(output["data"]["image/png"])
    assert Image.open(io.BytesIO(png)).width == 1600  # twice as sharp, since it is light
    assert len(png) <= MAX_PNG_BYTES


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_a_text_alternative_is_an_error(alt):
    with pytest.raises(DataError, match="without a text alternative"):
        figures.show(figures.loss_curves({"training": [(0, 1.0)]}), alt)


def test_a_shown_figure_is_closed(shown):
    figure = plt.figure()

    figures.show(figure, "Nothing.")

    assert not plt.fignum_exists(figure.number)


def test_a_noisy_figure_is_kept_light():
    noise = [Image.effect_noise((128, 128), 90) for _ in range(10)]

    png = lean_png(figures.image_grid(noise, ["noise"] * 10))

    assert Image.open(io.BytesIO(png)).mode == "P"
    assert Image.open(io.BytesIO(png)).width == 800


def test_saving_writes_both_files_and_nothing_else(tmp_path):
    png, svg = figures.save(figures.loss_curves({"a": [(0, 1.0), (1, 0.5)]}), tmp_path / "deep" / "table.2")

    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["table.2.png", "table.2.svg"]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_text(encoding="utf-8").startswith("<?xml")


def test_a_failed_save_leaves_the_old_files(tmp_path, monkeypatch):
    old = figures.save(figures.loss_curves({"a": [(0, 1.0)]}), tmp_path / "loss")
    before = [path.read_bytes() for path in old]
    broken = figures.loss_curves({"a": [(0, 2.0)]})
    monkeypatch.setattr(broken, "savefig", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        figures.save(broken, tmp_path / "loss")

    assert [path.read_bytes() for path in old] == before
    assert len(list(tmp_path.iterdir())) == 2


def test_the_same_figure_is_saved_as_the_same_bytes(tmp_path):
    first = figures.save(figures.dialogue_panel([AR], title="a"), tmp_path / "first")
    second = figures.save(figures.dialogue_panel([AR], title="a"), tmp_path / "second")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_importing_figures_does_not_start_pyplot_or_torch():
    code = "import sys, bimedix2_core.paper.figures; sys.exit(bool({'matplotlib.pyplot', 'torch'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- conversations ----


def test_an_english_bubble_hangs_at_the_left_and_an_arabic_one_at_the_right():
    width = figures.dialogue_panel([EN], title="en").axes[0].get_xlim()[1]
    english = [box.get_x() for box in bubbles(figures.dialogue_panel([EN], title="en"))]
    arabic = [box.get_x() + box.get_width() for box in bubbles(figures.dialogue_panel([AR], title="ar"))]

    assert len(english) == len(arabic) == 2
    assert english == pytest.approx([38.0, 38.0])
    assert arabic == pytest.approx([width - 38.0, width - 38.0])


def test_arabic_lines_are_aligned_right_and_fixed_from_right_to_left():
    lines = [text for text in texts(figures.dialogue_panel([AR], title="x")) if reads_to_left(text.get_text())]

    assert len(lines) >= 3
    assert {line.get_horizontalalignment() for line in lines} == {"right"}
    assert all(line.get_text().startswith("\u200f") for line in lines)


def test_a_panel_says_every_word_and_that_it_is_not_for_the_clinic():
    said = words(figures.dialogue_panel([EN, AR], title="Two turns"))

    for text in ("Two turns", EN.question, EN.answer, AR.question, AR.answer, style.DISCLAIMER):
        assert all(word in said for word in text.split())


def test_bubbles_follow_one_another_and_stay_in_their_card():
    figure = figures.dialogue_panel([EN, AR, Exchange("And?", "No.", "en")], title="Three turns")
    boxes = bubbles(figure)
    height = figure.axes[0].get_ylim()[0]

    assert len(boxes) == 6
    for upper, lower in itertools.pairwise(boxes):
        assert lower.get_y() >= upper.get_y() + upper.get_height() + 5
    assert boxes[-1].get_y() + boxes[-1].get_height() <= height


@pytest.mark.parametrize("fonts", [style.FONTS, ("DejaVu Sans",)])
@pytest.mark.parametrize("dpi", [100, 200])
def test_text_stays_inside_its_bubble(monkeypatch, fonts, dpi):
    monkeypatch.setattr(style, "FONTS", fonts)
    figure = figures.dialogue_panel([EN, AR], title="t")
    figure.set_dpi(dpi)
    edges = [(box.get_x(), box.get_x() + box.get_width()) for box in bubbles(figure)]

    with mpl.rc_context(style.settings()):
        extents = [text.get_window_extent() for text in figure.axes[0].texts[1:]]

    assert len(extents) >= 4
    for extent in extents:
        (left, _), (right, _) = figure.axes[0].transData.inverted().transform(extent.get_points())
        assert any(low + 7 <= left and right <= high - 7 for low, high in edges)


def test_an_image_comes_with_the_turn_that_brings_it():
    figure = figures.dialogue_panel([Exchange("Hello", "Hello", "en"), EN], title="late image")
    (image,) = [artist for artist in figure.axes[0].images if isinstance(artist, AxesImage)]
    left, right, bottom, top = image.get_extent()
    third = bubbles(figure)[2]

    assert third.get_y() <= top <= bottom <= third.get_y() + third.get_height()
    assert (right - left) / (bottom - top) == pytest.approx(40 / 30)


def test_a_grid_has_one_axes_for_each_conversation():
    dialogues = [Dialogue(str(index), (EN,)) for index in range(5)]

    assert len(figures.dialogue_grid(dialogues, columns=2).axes) == 5


def test_an_empty_conversation_is_an_error():
    with pytest.raises(DataError, match="no exchanges in 'x' to draw"):
        figures.dialogue_panel([], title="x")
    with pytest.raises(DataError, match="no conversations to draw"):
        figures.dialogue_grid([])


# ---- images ----


def test_a_grid_of_images_has_an_axes_and_a_caption_in_each_language_for_each():
    images = [Image.new("RGB", (20, 10), "teal")] * 7
    figure = figures.image_grid(images, [("Normal", "طبيعي")] * 7, columns=3, title="Phantoms")

    assert len(figure.axes) == 7
    assert all(len(axes.images) == 1 for axes in figure.axes)
    captions = [(strip_marks(text.get_text()), text.get_horizontalalignment()) for text in figure.texts]
    assert captions[0] == ("Phantoms", "left")
    assert captions[1:3] == [("Normal", "left"), ("طبيعي", "right")]
    assert len(captions) == 1 + 14


def test_captions_and_images_that_do_not_pair_up_are_an_error():
    with pytest.raises(DataError, match=r"lengths \{'images': 2, 'captions': 1\} differ"):
        figures.image_grid([Image.new("RGB", (4, 4))] * 2, ["one"])


# ---- tokens ----

EN_TOKENS = ["<|start_header_id|>", "user", "<|end_header_id|>", "\n\n", *["<image>"] * 36, "Side", "?", "<|eot_id|>"]
EN_TOKENS += ["<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n", "Left", ".", "<|eot_id|>"]
EN_TARGETS = [False] * (len(EN_TOKENS) - 3) + [True] * 3


def token_texts(figure: Figure) -> list[str]:
    return [text.get_text().strip("\u200d") for text in figure.axes[0].texts]


def test_image_tokens_are_one_box_with_their_count():
    figure = figures.token_mask(EN_TOKENS, EN_TARGETS, [token == "<image>" for token in EN_TOKENS])

    assert "<image> \u00d7 36" in token_texts(figure)
    legend = ["", "in the loss", "", "read, not in the loss", "", "image"]
    assert token_texts(figure)[-9:] == ["Left", ".", "<|eot_id|>", *legend]
    assert len(token_texts(figure)) == len(EN_TOKENS) - 35 + len(legend)


def test_each_target_is_underlined():
    figure = figures.token_mask(EN_TOKENS, EN_TARGETS, [token == "<image>" for token in EN_TOKENS])

    underlines = [patch for patch in figure.axes[0].patches if not isinstance(patch, FancyBboxPatch)]

    assert len(underlines) == 3 + 1  # three targets and the legend


def test_a_turn_begins_a_row():
    figure = figures.token_mask(EN_TOKENS, EN_TARGETS, [token == "<image>" for token in EN_TOKENS])
    places = {text.get_text(): text.get_position() for text in figure.axes[0].texts}

    assert places["assistant"][1] > places["user"][1]
    assert places["Left"][1] == places["assistant"][1]
    assert places["Left"][0] > places["assistant"][0]


def test_arabic_tokens_run_from_right_to_left_and_join_across_their_border():
    tokens = [
        "<|start_header_id|>",
        "user",
        "<|end_header_id|>",
        *["<image>"] * 36,
        "الص",
        "در",
        " طبيعي",
        "<|eot_id|>",
    ]
    figure = figures.token_mask(tokens, [False] * len(tokens), [token == "<image>" for token in tokens])
    places = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}

    assert places["user"] > places["الص\u200d"] > places["\u200dدر"] > places["طبيعي"]


def test_all_tokens_of_a_long_sample_stay_on_the_page():
    tokens = [" word"] * 400
    figure = figures.token_mask(tokens, [True] * 400, [False] * 400)
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]

    assert len(boxes) == 400 + 3
    assert min(box.get_x() for box in boxes) >= 0
    assert max(box.get_x() + box.get_width() for box in boxes) <= style.WIDTH


def test_masks_of_another_length_are_an_error():
    with pytest.raises(DataError, match="'tokens': 1, 'is_target': 2, 'is_image': 1"):
        figures.token_mask(["a"], [True, True], [False])


# ---- plots ----


def test_a_short_curve_is_drawn_as_it_is_and_named_at_its_end():
    figure = figures.loss_curves(
        {"training": [(0, 3.0), (10, 1.5)], "held-out": [(0, 3.1), (10, 1.6)]}, title="Stage 1"
    )

    curves = {
        line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines if len(line.get_xdata()) > 1
    }
    assert curves == {"training": [[0, 3.0], [10, 1.5]], "held-out": [[0, 3.1], [10, 1.6]]}
    assert [text.get_text() for text in figure.axes[0].texts] == ["training  1.50", "held-out  1.60"]


def test_names_of_curves_that_end_together_do_not_overlap():
    figure = figures.loss_curves({name: [(0, 2.0), (1, 1.0)] for name in "abcd"})
    spans = sorted((box.y0, box.y1) for box in (t.get_window_extent() for t in figure.axes[0].texts))

    assert all(lower[1] <= upper[0] + 1 for lower, upper in itertools.pairwise(spans))


def test_a_long_curve_keeps_its_values_below_its_moving_mean():
    curve = [(step, float(step % 2)) for step in range(100)]
    figure = figures.loss_curves({"noisy": curve})

    raw, mean = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 1]
    assert raw.get_xydata().tolist() == [[x, y] for x, y in curve]
    assert mean.get_ydata()[50] == pytest.approx(
        0.4
    )  # 0 1 0 1 0: a window of 100 // 25 reaches two steps to either side
    assert mean.get_label() == "noisy, moving mean"


PAIRS = [
    Bar("before Stage 1", "true images", 2.9, 2.7, 3.1, 100),
    Bar("before Stage 1", "shuffled images", 2.9, 2.8, 3.2, 100),
    Bar("after Stage 1", "true images", 0.5, 0.4, 0.7, 100),
    Bar("after Stage 1", "shuffled images", 2.0, 1.8, 2.1, 100),
]


def test_true_and_shuffled_stand_with_their_intervals_and_their_ratio():
    figure = figures.true_against_shuffled(PAIRS)
    (axes,) = figure.axes

    assert len(axes.containers) == 4
    intervals = [container.lines[2][0].get_segments()[0][:, 0].tolist() for container in axes.containers]
    assert intervals == [pytest.approx([bar.low, bar.high]) for bar in PAIRS]
    written = [text.get_text() for text in axes.texts]
    assert written[:3] == ["2.90", "2.90", "1.00 \u00d7"]
    assert written[3:6] == ["0.50", "2.00", "0.25 \u00d7"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["before Stage 1", "after Stage 1"]


def test_a_label_without_its_shuffled_images_is_an_error():
    with pytest.raises(DataError, match="expected two bars for each label"):
        figures.true_against_shuffled(PAIRS[:3])


ROWS = [
    Bar("trained", "en", 0.95, 0.92, 0.97, 420),
    Bar("trained", "ar", 0.93, 0.9, 0.95, 418),
    Bar("no image", "en", 0.5, 0.45, 0.55, 420),
    Bar("no image", "ar", 0.52, 0.47, 0.57, 420),
]


def test_bars_have_the_values_intervals_and_counts_they_were_given():
    (axes,) = figures.accuracy_bars(ROWS, floor=0.93, chance=0.51).axes

    assert [patch.get_height() for patch in axes.patches] == [0.95, 0.5, 0.93, 0.52]  # English, then Arabic
    segments = [segment for bars in axes.collections[:2] for segment in bars.get_segments()]
    assert sorted(tuple(s[:, 1].round(6)) for s in segments)[-2:] == [(0.9, 0.95), (0.92, 0.97)]
    written = [text.get_text() for text in axes.texts]
    assert written == ["95", "50", "93", "52", "floor 93", "chance 51"]
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["trained\nn = 420 / 418", "no image\nn = 420"]


def test_english_stands_left_of_arabic_and_arabic_is_hatched():
    (axes,) = figures.accuracy_bars(ROWS).axes
    english, arabic = axes.patches[0], axes.patches[2]

    assert english.get_x() + english.get_width() <= arabic.get_x()
    assert not english.get_hatch()
    assert arabic.get_hatch() == "///"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["English", "Arabic"]


def test_chance_may_differ_by_label():
    (axes,) = figures.accuracy_bars(ROWS, chance={"trained": 0.2, "no image": 0.5}).axes

    heights = [segment[0, 1] for lines in axes.collections for segment in lines.get_segments()]
    assert {0.2, 0.5} <= set(heights)
    assert axes.texts[-1].get_text() == "chance"


def test_a_group_may_lack_a_label():
    (axes,) = figures.accuracy_bars(ROWS[:3]).axes

    assert len(axes.patches) == 3


def test_two_bars_for_one_place_are_an_error():
    with pytest.raises(DataError, match="2 bars for 1 pairs"):
        figures.accuracy_bars([ROWS[0], ROWS[0]])


def test_an_interval_that_does_not_hold_its_value_is_an_error():
    with pytest.raises(DataError, match="outside its interval"):
        Bar("trained", "en", 0.95, 0.96, 0.99, 10)


def test_nothing_to_draw_is_an_error():
    for draw in (figures.accuracy_bars, figures.true_against_shuffled):
        with pytest.raises(DataError, match="no bars to draw"):
            draw([])
    with pytest.raises(DataError, match="no curves to draw"):
        figures.loss_curves({})


def test_colours_differ_in_grey():
    shades = [np.dot(mpl.colors.to_rgb(colour), (0.299, 0.587, 0.114)) for colour, *_ in style.SERIES[:2]]

    assert abs(shades[0] - shades[1]) > 0.25
