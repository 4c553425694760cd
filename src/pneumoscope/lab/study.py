"""A study of tuning: in a database, which as many machines share as can reach it."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.lab.checkpoint import decisive
from pneumoscope.lab.data import Example, fingerprint
from pneumoscope.lab.recipe import Recipe, RecipeError

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
LOCK_SECONDS = 60


class StudyUnavailable(PneumoscopeError):
    """The database of the study cannot be used."""

    code = "study_unavailable"
    remedy = (
        "Give --study as sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE (needs "
        "pip install 'psycopg[binary]') and see that the database answers; started again, the "
        "search goes on where it was."
    )


@contextmanager
def study_database(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Open until the end. Whatever the database refuses, now or hours later, is raised as
    StudyUnavailable."""
    storage = _storage(url)
    try:
        yield storage
    except (SQLAlchemyError, StorageInternalError) as error:
        # Optuna's own words guess at the reason; what it wraps is the database's.
        raise _unavailable(url, error.__cause__ or error) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def shared_study(
    database: optuna.storages.RDBStorage, plan: Recipe, examples: Sequence[Example]
) -> optuna.Study:
    """The study of this recipe and these images, made where there is none.

    Raises RecipeError where it is of others.
    """
    # Of a trial that is interrupted it would log the whole traceback.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=database,
        study_name=plan.name,
        load_if_exists=True,
        # Unseeded: two machines with one seed would try the same values.
        sampler=optuna.samplers.TPESampler(multivariate=True, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )
    begun_with = {"data": fingerprint(examples), "recipe": json.dumps(decisive(plan))}
    for key, value in begun_with.items():
        if study.user_attrs.get(key, value) != value:
            raise RecipeError(f"The study “{plan.name}” was begun with another {key}: rename one.")
        study.set_user_attr(key, value)
    return study


def finished(study: optuna.Study) -> int:
    """How many trials are, whoever ran them."""
    return len(study.get_trials(deepcopy=False, states=FINISHED))


def _storage(url: str, attempts: int = 3) -> optuna.storages.RDBStorage:
    """SQLite waits for others to finish writing. Of two processes that make the tables at the same
    moment one fails, and finds them made the next time."""
    options = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite") else {}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        if attempts == 1:
            raise _unavailable(url, error.__cause__ or error) from error
    time.sleep(1)
    return _storage(url, attempts - 1)


def _unavailable(url: str, error: BaseException) -> StudyUnavailable:
    """Without the password, which would end in a log, and the first line of what was said."""
    place = re.sub("//.*@", "//…@", url)
    return StudyUnavailable(f"{place}: {str(error).partition(chr(10))[0]}")
