"""Fine-tuning: the text encoder learns from the shop's behaviour by contrastive pairs.

split      what is learned from, what is held out to stop by and to measure on, which items stay unseen
pairs      texts that belong together: item and next item, history and next item, search and choice
negatives  items that read alike and are never chosen together
batches    pairs packed so that every text of a batch is encoded once
losses     in-batch softmax with corrected negatives
methods    which weights may change: head, top layers, all, LoRA, AdaLoRA, prefix
loop       the training loop, with checkpoints that a later process goes on from
quality    how well the nearest texts to a history name what comes next
saved      adapter and merged model on disk
run        one tuning from its inputs to its folder
tuner      what a shop's `train`, `evaluate` and `tune` call: the same tuning is never done twice
search     a few parameters chosen on the held-out choices

Only `checkpoint`, `losses`, `loop`, `methods` and `saved` need torch; the others import them when they are called.
"""
