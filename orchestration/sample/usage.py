"""How much an attempt used and what that roughly cost."""

import random
from typing import NamedTuple

from orchestration.sample.catalogue import Model, TaskType
from orchestration.sample.draws import FACTOR_BITS, log_normal_factors

CACHED_SHARE = 0.55
"""Share of calls that read from a cache, where the provider has one."""

LARGEST_INPUT = 400_000
"""The largest context that a call may have, tokens."""

LARGEST_OUTPUT = 64_000


class Usage(NamedTuple):
    """Token counts of one attempt, named as in the landing contract.

    Attributes:
        input_tokens: All input, cached and cache-write included.
        cached_input_tokens: Input read from a cache.
        cache_write_tokens: Input written to a cache.
        output_tokens: All output, reasoning included.
        reasoning_tokens: Output spent on reasoning.
    """

    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int

    def fragment(self, model: Model) -> str:
        """Returns the JSON of the counts that the model's provider reports, after a comma."""
        text = f',"input_tokens":{self.input_tokens}'
        if model.caches:
            text += f',"cached_input_tokens":{self.cached_input_tokens}'
            if model.writes_cache:
                text += f',"cache_write_tokens":{self.cache_write_tokens}'
                # One call in eight keeps a quarter of it for an hour, where that is sold.
                if model.provider == "anthropic" and not self.input_tokens & 7:
                    text += f',"cache_write_1h_tokens":{self.cache_write_tokens >> 2}'
        text += f',"output_tokens":{self.output_tokens}'
        if model.reasons:
            text += f',"reasoning_tokens":{self.reasoning_tokens}'
        return text

    def estimated_cost(self, input_rate: int, output_rate: int) -> int:
        """Returns the rough cost in nano-USD; cached input counts a tenth.

        Args:
            input_rate: Price of input, nano-USD a token.
            output_rate: Price of output, nano-USD a token.
        """
        billed = self.input_tokens - self.cached_input_tokens * 9 // 10
        return billed * input_rate + self.output_tokens * output_rate

    def restated(self, share: int) -> "Usage":
        """Returns the usage as a source states it after counting again.

        Args:
            share: What every part is multiplied by, in 1/1024.
        """
        # Rounding down in integers never lets the parts outgrow their whole.
        return Usage(*(count * share >> 10 for count in self))


NOTHING = Usage(0, 0, 0, 0, 0)
"""What a call uses that the provider turned away."""


class UsageDraws:
    """Draws token counts and durations."""

    __slots__ = (
        "_duration_factors",
        "_input_factors",
        "_output_factors",
        "_random",
        "_random_bits",
    )

    def __init__(self, source: random.Random) -> None:
        """Draws from `source`."""
        self._random = source.random
        self._random_bits = source.getrandbits
        self._input_factors = log_normal_factors("1.0")
        self._output_factors = log_normal_factors("0.8")
        self._duration_factors = log_normal_factors("0.65")

    def input_tokens(self, task_type: TaskType) -> int:
        """Returns the size of a task's prompt, tokens: the same for each of its attempts."""
        factor = self._input_factors[self._random_bits(FACTOR_BITS)]
        return min(24 + (task_type.input_tokens * factor >> 10), LARGEST_INPUT)

    def usage(self, task_type: TaskType, model: Model, input_tokens: int) -> Usage:
        """Returns what one complete answer uses."""
        chance = self._random
        factor = self._output_factors[self._random_bits(FACTOR_BITS)]
        output = min(8 + (task_type.output_tokens * factor >> 10), LARGEST_OUTPUT)
        cached = written = reasoning = 0
        if model.caches:
            if chance() < CACHED_SHARE:
                cached = int(input_tokens * (0.2 + 0.7 * chance()))
            if model.writes_cache:
                written = int((input_tokens - cached) * 0.9 * chance())
        if model.reasons:
            reasoning = int(output * (0.1 + 0.6 * chance()))
        return Usage(input_tokens, cached, written, output, reasoning)

    def duration(self, task_type: TaskType, model: Model) -> int:
        """Returns how long an attempt takes, microseconds; half an hour at most."""
        factor = self._duration_factors[self._random_bits(FACTOR_BITS)]
        milliseconds = (task_type.duration_ms * model.speed >> 10) * factor >> 10
        return min(300 + milliseconds, 1_800_000) * 1000 + self._random_bits(9)
