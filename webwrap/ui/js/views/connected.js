// Where a platform sends the browser back to, after the member allowed the connection or not.
import { put } from "../api.js";
import { h, note, toast } from "../dom.js";

const from = () => {
  const path = sessionStorage.getItem("voxconv.connecting") ?? "";
  return /^\/app\/songs\/\w+$/.test(path) ? path : "/app/songs";
};

export default async function connected({ params, query, go }) {
  const back = from();
  const code = query.get("code");
  const state = query.get("state");
  history.replaceState(null, "", location.pathname); // the code is for us, not for who looks over a shoulder
  try {
    if (!code || !state) throw new Error("The connection was not allowed. Nothing changed.");
    const { name } = await put(`/platforms/${params[0]}/connection`, { code, state });
    toast(`Connected as ${name}`);
    setTimeout(() => go(back, { replace: true }));
    return {
      title: "Connected",
      node: h("section.narrow", h("h1", "Connected"), h("a.button", { href: back }, "Go on")),
    };
  } catch (error) {
    return {
      title: "Not connected",
      node: h(
        "section.narrow.stack",
        h("h1", "Not connected"),
        note("bad", error.message),
        h("a.button.fit", { href: back }, "Back"),
      ),
    };
  }
}
