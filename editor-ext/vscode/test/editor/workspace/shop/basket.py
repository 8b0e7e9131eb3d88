"""A basket, on top of the prices."""

from shop.prices import gross


def quantities(names):
    counted = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted


def total(names, prices):
    return sum(gross(prices[name]) * count for name, count in quantities(names).items())


assert quantities(["tea", "milk", "tea"]) == {"tea": 2, "milk": 1}
total(["tea"], {"tea": 100})
