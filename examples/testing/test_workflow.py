import pytest
from redun.pytest import WorkflowScheduler
from workflow import main, price, total


def test_the_body_of_a_task_is_a_function() -> None:
    assert total.func([3, 4], discount=2) == 5


def test_the_total_is_that_of_all_items(scheduler: WorkflowScheduler) -> None:
    assert scheduler.run(main(["apple", "pear", "apple"])) == 10


def test_each_item_is_priced_once(scheduler: WorkflowScheduler) -> None:
    scheduler.run(main(["apple", "pear", "apple"]))
    assert scheduler.ran(price) == [{"item": "apple"}, {"item": "pear"}]


def test_a_discount_does_not_ask_for_prices_again(scheduler: WorkflowScheduler) -> None:
    scheduler.run(main(["apple", "pear"]))
    assert scheduler.run(main(["apple", "pear"], discount=1)) == 6
    assert not scheduler.ran(price)
    assert len(scheduler.cached(price)) == 2


def test_an_unknown_item_fails(scheduler: WorkflowScheduler) -> None:
    with pytest.raises(KeyError):
        scheduler.run(main(["plum"]))
    assert scheduler.failed(price) == [{"item": "plum"}]
