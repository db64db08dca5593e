"""The queries of the measurements for stepping, whose compiler reads the source of functions at the top of a file."""

import stepping as st


class Item(st.Data):
    group: int
    key: int
    amount: int


class Price(st.Data):
    key: int
    price: int


totals_cache = st.Cache[st.Pair[int, int]]()
days_cache = st.Cache[st.Pair[int, int]]()
paths_cache = st.Cache[st.Pair[int, int]]()


def cost(pair: st.Pair[Item, Price]) -> int:
    return pair.left.amount * pair.right.price


def to_day(pair: st.Pair[Item, Price]) -> Item:
    day = pair.right.price * 1_000 + pair.left.key // 48
    return Item(group=day, key=0, amount=pair.left.amount)


def amount(item: Item) -> int:
    return item.amount


def receipts(items: st.ZSet[Item], prices: st.ZSet[Price]) -> st.ZSet[st.Pair[int, int]]:
    joined = st.join(
        items,
        prices,
        on_left=st.Index.pick(Item, lambda i: i.key),
        on_right=st.Index.pick(Price, lambda p: p.key),
    )
    totals = st.group_reduce_flatten(
        joined,
        by=st.Index.pick(st.Pair[Item, Price], lambda p: p.left.group),
        zero=int,
        pick_value=cost,
    )
    _ = totals_cache[totals](lambda z: st.integrate(z))
    return totals


def meters(reads: st.ZSet[Item], owners: st.ZSet[Price]) -> st.ZSet[st.Pair[int, int]]:
    joined = st.join(
        reads,
        owners,
        on_left=st.Index.pick(Item, lambda i: i.group),
        on_right=st.Index.pick(Price, lambda p: p.key),
    )
    days = st.map(joined, f=to_day)
    totals = st.group_reduce_flatten(
        days,
        by=st.Index.pick(Item, lambda i: i.group),
        zero=int,
        pick_value=amount,
    )
    _ = days_cache[totals](lambda z: st.integrate(z))
    return totals


def closure(edges: st.ZSet[st.Pair[int, int]]) -> st.ZSet[st.Pair[int, int]]:
    paths = st.transitive_closure(edges)
    _ = paths_cache[paths](lambda z: st.integrate(z))
    return paths


PAIRS = [lambda a, b, c: Item(group=a, key=b, amount=c), lambda a, b, c: Price(key=a, price=b)]
QUERIES = {
    "receipts": (receipts, totals_cache, PAIRS),
    "meters": (meters, days_cache, PAIRS),
    "closure": (closure, paths_cache, [lambda a, b, c: st.Pair(a, b)]),
}
