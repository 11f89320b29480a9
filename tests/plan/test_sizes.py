from bimedix2_core.plan.sizes import published_sizes


def test_the_sizes_of_figure_2_are_counted_with_the_rank_of_table_11():
    small, large = published_sizes()

    # embeddings and head 2 x 128,256 x 4,096; 32 layers of 218,112,000; the last norm
    assert small.language_model == 2 * 128_256 * 4_096 + 32 * 218_112_000 + 4_096
    # the projector: 1,024 x 4,096 and 4,096 x 4,096, each with its bias
    assert small.projector == 1_024 * 4_096 + 4_096 + 4_096 * 4_096 + 4_096
    assert small.lora == 20_971_520
    assert large.language_model == 70_553_706_496
    assert small.vision_encoder == large.vision_encoder
