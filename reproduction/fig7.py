"""Fig. 7: an open mouth."""

from reproduction.signed import signed

STUDY = signed(
    "Fig. 7: an open mouth",
    (
        "“A person with the mouth open”, two images, signed strengths: the mouth opens "
        "“naturally” as α increases, and “the opposite direction shows results with a mouth that "
        "is more closed than the original image”. “The only semantic that is changing in this "
        "process is the one explicit in the prompt.” No numbers are given.",
    ),
    "a person with the mouth open",
)
