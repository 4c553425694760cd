"""Recipes: read, refused by name, written back."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.lab.recipe import RecipeError, read_recipe, read_values, recipe_from, write_values

pytestmark = pytest.mark.lab
RECIPE = Path(__file__).parents[2] / "recipes" / "default.toml"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("weight_decay = .*", "wait_decay = 1.0", "wait_decay"),
        ("weight_decay = .*", "", "weight_decay"),
        ("epochs = .*", 'epochs = "seven"', "epochs"),
        ("epochs = .*", "epochs = 7.5", "epochs"),
        ("epochs = .*", "epochs = 7\nname = 'adam'", "name"),
        (r"\[optimiser\]", "[optimizer]", r"\[optimiser\]"),
        (r"\[card.population\]", "[population]", "card.population"),
        ("seed = .*", "seed = 1\nsede = 2", "sede"),
        ("epochs = .*", "epochs = 0", "epochs"),
        ("fold = .*", "fold = 7", "fold"),
        ("scale = .*", "scale = 1.2", "scale"),
        ("gamma = .*", "gamma = [0.7]", "gamma"),
        ("stretch = .*", 'stretch = ["low", "high"]', "stretch"),
        (r"views = .*", 'views = "AP"', "views"),
        ("stretch = .*", "stretch = [99.0, 1.0]", "stretch"),
        ("size = .*", "size = 0", "size"),
        ("region_level = .*", "region_level = 0.0", "region_level"),
        ("learning_rate = .*", "learning_rate = nan", "learning_rate"),
        (r"\[input\]", "[input", "recipe.toml"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, before, after, named):
    path = tmp_path / "recipe.toml"
    path.write_text(re.sub(f"^{before}$", after, RECIPE.read_text(), flags=re.MULTILINE))
    with pytest.raises(RecipeError, match=named):
        read_recipe(path)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecipeError, match="nowhere"):
        read_recipe(tmp_path / "nowhere.toml")


def test_a_recipe_is_written_as_it_was_read(tmp_path):
    values = read_values(RECIPE)
    write_values(values, tmp_path / "again.toml")
    assert read_values(tmp_path / "again.toml") == values
    assert read_recipe(tmp_path / "again.toml") == recipe_from(values)


words = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
values = words | numbers | st.booleans()
sections = st.recursive(
    st.dictionaries(words, values | st.lists(values, max_size=3), max_size=4),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(sections)
def test_whatever_values_are_written_are_read_back(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "values.toml"
    write_values(written, path)
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    assert read == written
