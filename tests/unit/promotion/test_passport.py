"""The canonical text of a study says what the study says, and is read back as the same study."""

import autogrid as ag
from autogrid.core.study import parse_study
from autogrid.promotion.passport import canonical

STUDY = """
[market]
tick = "0.01"
lot = "0.001"
[strategy.params]
lower = "90"
upper = "110"
cells = 4
amount = "1"
"""
OVERFIT = "[overfit]\nenforce = true\nsharpe_variance = 0.0020\ntrials = 60\n"


def test_what_was_tried_is_part_of_the_text_only_where_it_is_said() -> None:
    market = ag.Market(tick="0.01", lot="0.001")
    assert "overfit" not in canonical(parse_study(STUDY), market)
    study = parse_study(STUDY + OVERFIT)
    text = canonical(study, market)
    assert text.endswith('[overfit]\ntrials = 60\nsharpe_variance = "0.0020"\nenforce = true\n')
    assert parse_study(text).tried == study.tried
