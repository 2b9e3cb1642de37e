"""Settings of the multi-objective ranker, tried on later visits: what one objective gains and another pays by them.

past      what settings may be chosen by
figures   how well an order of later visits serves each objective
points    settings with their figures, the front of them, and what to write into `shop.toml`
space     what is tried
search    the study: resumable, within a budget
"""
