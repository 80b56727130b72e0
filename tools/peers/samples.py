"""Samples of all runs, kept in a file of one JSON object a line, so that a comparison may be made in parts."""
import collections
import dataclasses
import json
import statistics


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run's figure for one measure, or why there is none."""

    program: str
    model: str
    measure: str
    lengths: dict = dataclasses.field(hash=False)
    rate: float = 0.0
    share: float = None
    gain: float = None
    failure: str = ""
    version: str = ""
    date: str = ""


class SampleFileError(Exception):
    """One line on what is wrong with a file of samples."""


@dataclasses.dataclass
class Figure:
    """The samples of one cell of the table."""

    rates: list = dataclasses.field(default_factory=list)
    shares: list = dataclasses.field(default_factory=list)
    gains: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)

    def median(self):
        return statistics.median(self.rates) if self.rates else None

    def share(self):
        return statistics.median(self.shares) if self.shares else None

    def gain(self):
        return statistics.median(self.gains) if self.gains else None

    def spread(self):
        """The widest distance of a sample from the median, as a part of it."""
        middle = self.median()
        return max(abs(rate - middle) for rate in self.rates) / middle if middle else None


class Samples:
    def __init__(self, path=None):
        self.path = path
        self.all = read(path) if path else []

    def add(self, sample):
        self.all.append(sample)
        if self.path:
            with open(self.path, "a") as file:
                file.write(json.dumps(dataclasses.asdict(sample)) + "\n")

    def count(self, program, model, measure):
        """How many runs gave a figure, so that a later call goes on from there."""
        cell = program, model, measure
        return sum((sample.program, sample.model, sample.measure) == cell and not sample.failure for sample in self.all)

    def figures(self):
        """Figure by (model, measure, program), in the order they were first measured."""
        figures = collections.defaultdict(Figure)
        for sample in self.all:
            figure = figures[sample.model, sample.measure, sample.program]
            if sample.failure:
                figure.failures.append(sample.failure)
                continue
            figure.rates.append(sample.rate)
            if sample.share is not None:
                figure.shares.append(sample.share)
            if sample.gain is not None:
                figure.gains.append(sample.gain)
        return figures

    def versions(self):
        """The versions that each program gave, in order."""
        versions = collections.defaultdict(dict)
        for sample in self.all:
            versions[sample.program].update({sample.version: None} if sample.version else {})
        return {program: list(found) for program, found in versions.items()}

    def check_lengths(self, lengths):
        """Samples of other lengths are no part of the same table."""
        for sample in self.all:
            if sample.lengths != lengths:
                raise SampleFileError(f"{self.path}: has samples of {sample.lengths}, not {lengths}; take another file")


def read(path):
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SampleFileError(f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}") from None
    samples = []
    for number, line in enumerate(lines, 1):
        try:
            samples.append(Sample(**json.loads(line)))
        except (ValueError, TypeError):
            raise SampleFileError(f"{path}:{number}: not a sample of this program") from None
    return samples
