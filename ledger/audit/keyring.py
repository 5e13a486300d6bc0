"""The keys of the shops file by their fingerprints, one at a time and without their windows."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from ledger.shops import Key, Shop, Shops


class Keyring:
    """Finds the key that had verified a delivery. A window is about arrival, not about proof."""

    def __init__(self, shops: Shops) -> None:
        self._shops = shops
        self._alone: dict[tuple[str, str, str], Shops | None] = {}

    def alone(self, shop_id: str, mode: str, fingerprint: str) -> Shops | None:
        """The shops file with this key only; None when the key is gone."""
        name = (shop_id, mode, fingerprint)
        if name not in self._alone:
            same = [one for one in self._keys(shop_id, mode) if one.fingerprint == fingerprint]
            self._alone[name] = _only(same[0]) if same else None
        return self._alone[name]

    def others(self, shop_id: str, mode: str) -> Iterator[Shops]:
        """Each key of a shop and mode alone, to find out whether one of them made a signature."""
        for one in self._keys(shop_id, mode):
            found = self.alone(shop_id, mode, one.fingerprint)
            assert found is not None
            yield found

    def _keys(self, shop_id: str, mode: str) -> list[Key]:
        shop = self._shops.shop_by_id.get(shop_id)
        return [] if shop is None else [_forever(one) for one in shop.keys if one.mode == mode]


@cache
def _forever(key: Key) -> Key:
    """The key without its window; kept, because its fingerprint is slow on purpose."""
    return replace(key, not_before=None, not_after=None)


def _only(key: Key) -> Shops:
    return Shops({key.shop_id: Shop(key.shop_id, "", (key,))})
