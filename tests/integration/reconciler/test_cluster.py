"""A cluster that is not there, and a kubeconfig that is none."""

import json
from pathlib import Path

import pytest

from app.settings import SettingsError
from reconciler.cluster.client import Bounds
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import POD


async def test_a_cluster_that_is_away_is_named_in_words_for_users(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    user = {"name": "c", "user": {"token": "t"}}
    lists = {"clusters": [cluster], "contexts": [context], "users": [user]}
    kubeconfig.write_text(json.dumps(lists | {"current-context": "c"}))
    away = await connect(kubeconfig, Bounds(10, rate=1000, burst=1000))

    with pytest.raises(ClusterError) as refused:
        await away.get(POD, "default", "pod")
    await away.close()

    assert refused.value.meaning == Meaning.UNAVAILABLE
    assert "Cannot connect to host 127.0.0.1:9" in str(refused.value)


@pytest.mark.parametrize("text", ["a: `b`", "just words", "{}", ""])
async def test_a_kubeconfig_that_is_none_is_a_wrong_setting(tmp_path: Path, text: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(text)

    with pytest.raises(SettingsError, match=f"MOORING_KUBECONFIG: {kubeconfig} does not work"):
        await connect(kubeconfig, Bounds(10, rate=1000, burst=1000))
