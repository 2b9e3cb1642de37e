// Users: a list to choose from, or one person, as the address says.

import { showPerson } from "./person.js";
import { showPeople } from "./people-list.js";

const place = document.getElementById("content-area");
const id = new URLSearchParams(location.search).get("id");

if (id) showPerson(place, id);
else showPeople(place);
