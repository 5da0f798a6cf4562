"""Run folders from the Hugging Face hub."""

from pathlib import Path

from argmaxq.components.errors import UserError, told

HUB = "hf"
WANTED = ("*.json", "*.jsonl", "checkpoints/**", "seed-*/**")
"""What a slim copy of a run is made of; nothing else is downloaded."""


def fetched_from_hub(name: str) -> Path:
    """The folder of a repository ``owner/name``, or ``owner/name@revision``, in the hub's own cache.

    Raises:
        UserError: huggingface-hub is not installed, or there is no such repository, or no network.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise UserError("huggingface-hub is not installed: pip install 'argmaxq[hf]'") from None
    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(WANTED)))
    except Exception as fault:  # of the network, the hub, or its client
        raise UserError(f"{HUB}:{name} cannot be had: {told(fault)}") from fault
