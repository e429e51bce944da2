"""Fig. 8: blond hair."""

from reproduction.signed import signed

STUDY = signed(
    "Fig. 8: blond hair",
    (
        "“A person with blond hair”, signed strengths: “following that direction makes the person "
        "blonder, but also going to the opposite direction makes their hair darker”, and it stays "
        "the same person. No numbers are given.",
    ),
    "a person with blond hair",
)
