"""The short fault campaign: two rounds of random schedules with kills. `make torture` runs the long one."""

from tests.e2e.campaign import Campaign
from tests.e2e.stack import Stack


def test_books_agree_after_random_faults_and_kills() -> None:
    size = 6
    with Stack([f"C{n}/USDT" for n in range(size)], workers=2, beats=2) as stack:
        campaign = Campaign(stack, seed=7, size=size, kills=0.4)
        assert campaign.round() == []
        stack.kill_worker(0)
        assert campaign.round() == []
        found = campaign.totals.show()
    assert found["schedules"] == 2 * size
    assert found["fills"] > 5
    assert found["orders"] > 20
    assert sum(found["faults"].values()) > 3
    assert found["regrids"] > 0
