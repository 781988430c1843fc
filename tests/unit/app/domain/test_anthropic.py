"""Which variables Anthropic settings become."""

from app.domain.anthropic import API_KEY, BASE_URL, MODEL, SMALL_MODEL, variables


def test_the_key_is_sent_as_anthropic_wants_it_or_as_gateways_do() -> None:
    for own in ({}, {BASE_URL: "https://api.anthropic.com/"}, {BASE_URL: "https://anthropic.com"}):
        assert variables({**own, API_KEY: "k"})["ANTHROPIC_API_KEY"] == "k"
        assert "ANTHROPIC_AUTH_TOKEN" not in variables({**own, API_KEY: "k"})
    for other in (
        "https://gateway.test",
        "https://anthropic.com.evil.test",
        "https://xanthropic.com",
    ):
        made = variables({BASE_URL: other, API_KEY: "k"})
        assert made == {"ANTHROPIC_BASE_URL": other, "ANTHROPIC_AUTH_TOKEN": "k"}


def test_the_small_model_has_both_of_its_names_and_nothing_is_made_up() -> None:
    assert variables({}) == {}
    assert variables({MODEL: "m", SMALL_MODEL: "s"}) == {
        "ANTHROPIC_MODEL": "m",
        "ANTHROPIC_SMALL_FAST_MODEL": "s",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "s",
    }
