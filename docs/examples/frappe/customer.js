// Client Script for the DocType Customer (view: Form). your_app: the app that has whatsapp.py.
const ask = (customer) => frappe.xcall('your_app.whatsapp.ticket', { customer });

// The widget's script, once a page.
function script(bridge) {
  window.wabridgeScript ??= new Promise((resolve, reject) => {
    const tag = document.createElement('script');
    tag.src = `${bridge}/widget.js`;
    tag.onload = resolve;
    tag.onerror = () => reject(new Error(`${tag.src} cannot be loaded`));
    document.head.append(tag);
  });
  return window.wabridgeScript;
}

frappe.ui.form.on('Customer', {
  async refresh(frm) {
    const { name, mobile_no: mobile } = frm.doc;
    if (window.wabridgeCustomer === name) return;   // the form was only saved or loaded again
    window.wabridgeWidget?.close();
    window.wabridgeCustomer = frm.is_new() || !mobile ? null : name;
    if (!window.wabridgeCustomer) return;
    const { ticket, tenant, bridge } = await ask(name);
    await script(bridge);
    // another customer may be shown by now
    if (window.wabridgeCustomer !== name) return;
    window.wabridgeWidget.open({ tenant, ticket, refresh: () => ask(name), lang: frappe.boot.lang });
  },
});

// Frappe is one page: the chat goes when its customer does.
frappe.router.on('change', () => {
  const [view, doctype, name] = frappe.get_route();
  if (view === 'Form' && doctype === 'Customer' && name === window.wabridgeCustomer) return;
  window.wabridgeCustomer = null;
  window.wabridgeWidget?.close();
});
