"""Student's t distribution, as far as intervals need it."""

from statistics import NormalDist


def student_quantile(probability: float, freedom: float) -> float:
    """The value that Student's t stays below with `probability`, from the normal one by the first three terms
    of its expansion (Abramowitz and Stegun, 26.7.5): right to a hundredth from 7 degrees of freedom on, to a
    thousandth from 20, for probabilities up to 0.99."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
