"""A cluster that is not there, and a kubeconfig that is none."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kubernetes_asyncio.config import incluster_config

from app.settings import SettingsError
from reconciler.cluster.client import Bounds
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.trusted import connect, connect_inside
from reconciler.manifests.kinds import POD
from tests.simulator import running_simulator

BOUNDS = Bounds(10, rate=1000, burst=1000)


async def test_a_cluster_that_is_away_is_named_in_words_for_users(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    user = {"name": "c", "user": {"token": "t"}}
    lists = {"clusters": [cluster], "contexts": [context], "users": [user]}
    kubeconfig.write_text(json.dumps(lists | {"current-context": "c"}))
    away = await connect(kubeconfig, BOUNDS)

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
        await connect(kubeconfig, BOUNDS)


async def test_in_a_pod_it_is_the_service_account_whose_token_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incluster_config, "TOKEN_REFRESH_PERIOD", timedelta())
    async with running_simulator(tmp_path) as simulator:
        url = urlsplit(simulator.url)
        variables = {
            "KUBERNETES_SERVICE_HOST": str(url.hostname),
            "KUBERNETES_SERVICE_PORT": str(url.port),
        }
        shutil.copy(simulator.authority, tmp_path / "ca.crt")
        token = tmp_path / "token"
        token.write_text("of-yesterday")
        cluster = await connect_inside(BOUNDS, tmp_path, variables)

        with pytest.raises(ClusterError) as refused:
            await cluster.list_all(POD, "mooring", "a=b")
        token.write_text(simulator.token)
        found = await cluster.list_all(POD, "mooring", "a=b")
        await cluster.close()

    assert refused.value.meaning is Meaning.UNAUTHORIZED
    assert found == []


async def test_where_there_is_neither_kubeconfig_nor_pod_it_says_what_to_set(
    tmp_path: Path,
) -> None:
    with pytest.raises(SettingsError, match=r"Set MOORING_KUBECONFIG .* or run in a pod"):
        await connect_inside(BOUNDS, tmp_path, {})
