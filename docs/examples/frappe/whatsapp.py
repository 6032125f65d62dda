"""Tickets for the WhatsApp widget on the Customer form. Put it into an app of yours as whatsapp.py.

site_config.json:
  "wabridge": {
    "url": "http://127.0.0.1:3000",            where this server reaches the bridge
    "public_url": "https://chat.example.com",  where browsers reach it
    "tenant": "acme",
    "session": "main",
    "key": "wab_..."                           a key of the tenant with the role agent
  }
"""
import frappe
import requests
from frappe import _


@frappe.whitelist(methods=["POST"])
def ticket(customer):
    doc = frappe.get_doc("Customer", customer)
    doc.check_permission("read")  # who may not see the customer gets no chat with him
    if not doc.mobile_no:
        frappe.throw(_("This customer has no mobile number."))

    bridge = frappe._dict(frappe.conf.wabridge)
    answer = requests.post(
        f"{bridge.url}/v1/tenants/{bridge.tenant}/widget/tickets",
        headers={"Authorization": f"Bearer {bridge.key}"},
        json={
            "session": bridge.session,
            "to": doc.mobile_no,
            "name": doc.customer_name,
            "agent": frappe.utils.get_fullname(),
            "can_send": bool(doc.has_permission("write")),
        },
        timeout=10,
    )
    if not answer.ok:
        frappe.log_error("wabridge", answer.text)
        frappe.throw(_("The WhatsApp chat cannot be opened: {0}").format(answer.json().get("detail", "")))
    made = answer.json()
    return {"ticket": made["ticket"], "tenant": made["tenant"], "bridge": bridge.public_url}
