"""Prices in cents."""

VAT_PERCENT = 19


def gross(net):
    return net + net * VAT_PERCENT // 100


def cheapest(prices):
    """Name of the cheapest article.

    >>> cheapest({"tea": 250, "milk": 99})
    'milk'
    """
    return min(prices, key=prices.get)


assert gross(100) == 119
