// Items: a list to choose from, or one item from all sides, as the address says.

import { showItem } from "./item.js";
import { showItems } from "./items-list.js";

const place = document.getElementById("content-area");
const id = new URLSearchParams(location.search).get("id");

if (id) showItem(place, id);
else showItems(place);
