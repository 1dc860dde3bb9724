"""Is what a source does not say flagged, and what it does say let pass? No language model.

    python -m evals.perturbations [--clapnq DIR] [--lexical] [--verbose [KIND ...]] [--half 0|1]

Sentences of the seeds, and of CLAPNQ where its folder is given, are perturbed by rules (`rules`)
into what their source surely does not say; statements true in the world but absent from the seeds
are written by hand (`../cases/absent.jsonl`). Against them stand untouched sentences, verbatim and
lightly rearranged, honest paraphrases written by hand (`../cases/paraphrases.jsonl`), and CLAPNQ's
human answers. Flagged means: labelled neither `quoted` nor `supported`. Everything falls into two
halves by the hash of its source; what is tuned is tuned on the first, and both are printed. Each
sentence is judged twice: by the passage it rests on, and by that with the seven most like it.
"""
