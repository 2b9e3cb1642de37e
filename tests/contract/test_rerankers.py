"""Every built-in reranker keeps the contract."""

import numpy as np

from shelfwise.rerank.reranker import Reranker
from shelfwise.rerank.window import Window
from shelfwise.testing.rerankers import RerankerContract, listed


class TestWindow(RerankerContract):
    def make(self) -> Reranker:
        return Window(Window.Config(by="brand", at_most=1, window=3))

    def test_no_window_holds_more_than_it_may_while_others_are_there(self) -> None:
        asked = listed()
        order = self.make().rerank(asked).order
        shown = asked.codes("brand")[order[: asked.k]]
        for start in range(len(shown) - 2):
            named = shown[start : start + 3][shown[start : start + 3] >= 0]
            assert len(np.unique(named)) == len(named)
