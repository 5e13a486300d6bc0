"""The keys of the shops file by their fingerprints, one at a time and without their windows."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from ledger.ipn.shops_and_keys import Key, Shop, Shops


class Keyring:
    """Finds the key that had verified a delivery. A window is about arrival, not about proof."""

    def __init__(self, shops: Shops) -> None:
        self._shops = shops

    def with_key(self, shop_id: str, mode: str, fingerprint: str) -> Shops | None:
        """Return the shops file with this key only; None when the key is gone."""
        for key in self._keys(shop_id, mode):
            if key.fingerprint == fingerprint:
                return _only(key)
        return None

    def with_each_key(self, shop_id: str, mode: str) -> Iterator[Shops]:
        """Yield the shops file with each key of a shop and mode alone.

        So a caller can find out whether one of them made a signature.
        """
        return map(_only, self._keys(shop_id, mode))

    def _keys(self, shop_id: str, mode: str) -> Iterator[Key]:
        shop = self._shops.shop_by_id.get(shop_id)
        return (_without_window(key) for key in (shop.keys if shop else ()) if key.mode == mode)


@cache
def _without_window(key: Key) -> Key:
    """Return the same object each time: its fingerprint is slow on purpose."""
    return replace(key, not_before=None, not_after=None)


@cache
def _only(key: Key) -> Shops:
    return Shops({key.shop_id: Shop(key.shop_id, "", (key,))})
